"""Builds environments: beside the one that is there, checked, certified, then put in its place.

Whatever goes wrong before the last step leaves the old environment as it was and nothing new that counts as installed;
what is left of a build that was killed is removed by the next. An environment's place is a link to its build, and the
build before stays where it was until the next: workers that run in it go on importing what it has.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from syrinx.core.errors import ModelNotReady

from .environment import Environments, EnvironmentSpec, Manifest, interpreter
from .locking import only_one
from .torch_build import TorchSource, kind_of, pip_arguments, requirements, this_device

NEEDED = ("msgspec", "numpy", "safetensors")
"""What the worker itself imports: every lock has them."""
SPARE_BYTES = 500_000_000
"""Left free on the disk."""
TOLD_LINES = 5
"""Of pip's last words, in the reason why it failed."""
FULL = "No space left on device"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """What is built and what must then be importable."""

    spec: EnvironmentSpec
    imports: tuple[str, ...] = ()
    """Of the models that run in it, beside the worker's own."""
    torch: TorchSource = field(default_factory=TorchSource)


class BuildFailed(ModelNotReady):
    """A step of the build ended badly."""


def build(plan: BuildPlan, environments: Environments, say: Say = lambda line: None) -> Manifest:
    """Build an environment and put it in its place. ``say`` takes a line about each step and each of pip's.

    Raises ``ModelNotReady``: no room on the disk, another build at work, or what a step said.
    """
    plan.torch.check()
    spec, folder = plan.spec, environments.folder.absolute()
    with only_one(folder / f".{spec.name}.lock", f"building the environment {spec.name}"):
        staging = folder / f".{spec.name}.building"
        shutil.rmtree(staging, ignore_errors=True)
        _discard_earlier(environments.place(spec.name))
        try:
            _check_room(folder, spec)
            return _build(plan, environments, staging, say)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            raise _full(folder, spec) from None
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def pip_for(python: Path) -> list[str]:
    """The command of a pip that installs into that interpreter's environment: ours where we have one."""
    if importlib.util.find_spec("pip") is None:
        return [str(python), "-I", "-m", "pip"]
    return [sys.executable, "-I", "-m", "pip", "--python", str(python)]


def remove(name: str, environments: Environments) -> bool:
    """Remove an environment; False: there was none. Raises ``ModelNotReady`` while it is being built."""
    place = environments.place(name)
    with only_one(environments.folder.absolute() / f".{name}.lock", f"building the environment {name}"):
        if not os.path.lexists(place):
            return False
        _discard(_aside(place))
        _discard_earlier(place)
        return True


def discard_earlier(name: str, environments: Environments) -> None:
    """Remove builds that are no longer in use by what is started from now on. Raises ``ModelNotReady`` while it is
    being built."""
    with only_one(environments.folder.absolute() / f".{name}.lock", f"building the environment {name}"):
        _discard_earlier(environments.place(name))


def _build(plan: BuildPlan, environments: Environments, staging: Path, say: Say) -> Manifest:
    spec = plan.spec
    python = interpreter(staging)
    locked = spec.lock() + spec.device_lock(kind_of(plan.torch, this_device()))
    say(f"Making the environment {spec.name}")
    ours = importlib.util.find_spec("pip") is not None  # else one of its own, which takes some seconds more
    _run([sys.executable, "-m", "venv", *(["--without-pip"] if ours else []), str(staging)], plan, say)
    lock = staging / "lock.txt"
    lock.write_text(locked, encoding="utf-8")
    pip = [*pip_for(python), "install", "--no-input", "--no-compile", "--disable-pip-version-check"]
    say("Installing what the lock names")
    _run([*pip, "--no-deps", "--requirement", str(lock)], plan, say)
    if spec.torch:
        _install_torch([*pip, "--constraint", str(lock)], plan, say)
    say("Trying the imports")
    manifest = Manifest(spec.name, spec.digest(), _try_imports(python, plan, say))
    Environments(staging.parent).certify(manifest, staging)
    _swap(staging, environments.place(spec.name))
    return manifest


def _install_torch(pip: Sequence[str], plan: BuildPlan, say: Say) -> None:
    """The lock is there already, with what torch needs; only what its build brings along is still chosen by pip."""
    wanted = requirements(plan.spec.torch, plan.torch, this_device())
    for requirement, last in zip(wanted, (*(False for _ in wanted[1:]), True), strict=True):
        say(f"Installing {requirement}")
        try:
            _run([*pip, *pip_arguments(requirement, plan.torch)], plan, say)
            return
        except BuildFailed as error:
            if last or "No matching distribution" not in str(error):
                raise
            say(f"The package index has no {requirement}: its own build is taken, which may be several times the size.")


def _try_imports(python: Path, plan: BuildPlan, say: Say) -> str:
    """Import what the models need, and return torch's version with its build; empty: none."""
    names = [*NEEDED, *plan.imports]
    program = f"import {', '.join(names)}\n"
    if plan.spec.torch:
        program += "import torch; print('torch', torch.__version__)\n"
    printed = _run([str(python), "-I", "-c", program], plan, say)
    return next((line.split()[1] for line in reversed(printed) if line.startswith("torch ")), "")


def _run(command: Sequence[str], plan: BuildPlan, say: Say) -> list[str]:
    """Run one step, saying its lines, and return them. Raises ``BuildFailed`` with the last ones."""
    lines: list[str] = []
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=_variables(os.environ),
        encoding="utf-8",
        errors="replace",
    ) as process:
        try:
            for line in _lines(process):
                lines.append(line)
                say("  " + line)
        except BaseException:  # interrupted: the step must not go on
            process.kill()
            raise
    if process.returncode:
        raise _failure(lines, plan)
    return lines


def _failure(lines: Sequence[str], plan: BuildPlan) -> Exception:
    if any(FULL in line for line in lines):
        return OSError(errno.ENOSPC, FULL)
    errors = [line for line in lines if line.startswith(("ERROR:", "Error:"))] or list(lines)
    return BuildFailed(f"The environment {plan.spec.name} could not be built: {' '.join(errors[-TOLD_LINES:])[:2000]}")


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None, "it was asked for"
    for line in process.stdout:
        if text := line.rstrip():
            yield text


def _variables(inherited: Mapping[str, str]) -> dict[str, str]:
    """Of a step: nothing that points into another environment, and no word to the network by what is imported."""
    dropped = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_USER")
    kept = {name: value for name, value in inherited.items() if name not in dropped}
    return {**kept, "HF_HUB_OFFLINE": "1", "DO_NOT_TRACK": "1", "PYTHONIOENCODING": "utf-8"}


def _swap(staging: Path, place: Path) -> None:
    """Put what is built in its place. Environments are used by their interpreter's path alone, so they can be moved."""
    made = place.with_name(f".{place.name}.{1 + max((int(old.suffix[1:]) for old in _builds(place)), default=0)}")
    link = place.with_name(f".{place.name}.link")
    link.unlink(missing_ok=True)
    try:
        link.symlink_to(made.name, target_is_directory=True)
    except OSError:  # not everybody may make links on Windows: then it moves to its place itself
        link = made
    os.replace(staging, made)
    if place.is_symlink() and link.is_symlink():
        os.replace(link, place)
        return
    old = _aside(place) if os.path.lexists(place) else None
    os.replace(link, place)
    if old is not None:
        _discard(old)


def _builds(place: Path) -> list[Path]:
    """What was built for a place and lies beside it."""
    pattern = re.compile(rf"\.{re.escape(place.name)}\.\d+")
    return [path for path in place.parent.iterdir() if pattern.fullmatch(path.name)]


def _discard_earlier(place: Path) -> None:
    used = place.readlink().name if place.is_symlink() else ""
    for build in _builds(place):
        if build.name != used:
            shutil.rmtree(build, ignore_errors=True)


def _aside(place: Path) -> Path:
    """Move an environment out of sight, so that it is never half there; what is left of an earlier one goes."""
    old = place.with_name(f".{place.name}.old")
    _discard(old)
    os.replace(place, old)
    return old


def _discard(place: Path) -> None:
    if place.is_symlink():  # somebody's own environment: only the link is ours
        place.unlink()
    else:
        shutil.rmtree(place, ignore_errors=True)


def _check_room(folder: Path, spec: EnvironmentSpec) -> None:
    if shutil.disk_usage(folder).free < spec.size_bytes + SPARE_BYTES:
        raise _full(folder, spec)


def _full(folder: Path, spec: EnvironmentSpec) -> ModelNotReady:
    free = shutil.disk_usage(folder).free
    return ModelNotReady(
        f"There is no room for the environment {spec.name} in {folder}: it takes about {spec.size_bytes / 1e9:.1f} GB "
        f"(several more with a build of torch for GPUs), and {free / 1e9:.1f} GB is free."
    )
