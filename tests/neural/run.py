"""Tests of the models that have an environment of their own: ``make test-models [MODEL=pocket]``.

For each environment: it is built by the code that ``syrinx models install`` runs (kept in ``.models/`` while its lock
stays the same), given pytest, and then the suite of backends and ``tests/neural/<model>`` run in it; last, a real
server serves its models from this environment.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from syrinx.models.environment import ENVIRONMENTS, Environments
from syrinx.models.fetch import Places
from syrinx.models.install import build, pip_for
from syrinx.models.installed import Installed
from syrinx.models.registry import AIDS, MODELS
from syrinx.models.torch_build import TorchSource

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
DATA = ROOT / ".models"
REQUIREMENTS = HERE / "requirements.txt"
STAMP = "test-requirements.txt"
PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=5", "-o", "timeout=600")
LOOSE = ("-W", "default", "-o", "filterwarnings=default")
"""What a model's libraries warn of is theirs."""


def main(models: list[str]) -> int:
    """Test these models, or all; returns the exit status and prints the seconds of each environment."""
    unknown = [name for name in models if name not in MODELS or not MODELS[name].environment]
    if unknown:
        print(f"No model with an environment of its own: {', '.join(unknown)}")
        return 2
    chosen = {MODELS[name].environment for name in models} or set(ENVIRONMENTS)
    results = {name: run_environment(name, models) for name in ENVIRONMENTS if name in chosen}
    for name, (failed, timed) in results.items():
        print(f"{name:20} {'FAILED: ' + ', '.join(failed) if failed else 'passed'}  ({timed})")
    return 1 if any(failed for failed, _ in results.values()) else 0


def run_environment(name: str, only: list[str]) -> tuple[list[str], str]:
    """Build and test one; returns what failed and how long each part took."""
    timed: list[str] = []
    failed: list[str] = []
    every = {**MODELS, **AIDS}
    models = [entry.name for entry in every.values() if entry.environment == name and (not only or entry.name in only)]

    def part(title: str, run: object, *arguments: object) -> object:
        print(f"\n== {name}: {title}", flush=True)
        began = time.monotonic()
        done = run(*arguments)  # pyright: ignore
        timed.append(f"{title} {time.monotonic() - began:.0f} s")
        return done

    python = part("environment", ready, name)
    for folder in sorted({tests_of(model) for model in models}):
        if not part(f"tests of {folder}", in_environment, python, folder):
            failed.append(folder)
    spoken = [model for model in models if model in MODELS]
    if spoken and not part("server", served, python, name, spoken):
        failed.append("server")
    return failed, ", ".join(timed)


def tests_of(model: str) -> str:
    """The folder with a model's tests: its own, or that of the first model of its environment."""
    own = model.replace("-", "_")
    if (HERE / own).is_dir():
        return own
    first = next(entry.name for entry in MODELS.values() if entry.environment == MODELS[model].environment)
    return first.replace("-", "_")


def ready(name: str) -> Path:
    """The interpreter of a whole environment that can run tests."""
    installed = Installed(Places(DATA))
    environments = installed.environments
    if environments.lacking(ENVIRONMENTS[name]) is not None:
        build(installed.plan(name, TorchSource()), environments, _say)
    python, stamp = environments.python(name), environments.place(name) / STAMP
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        lock = environments.place(name) / "lock.txt"
        pip = [*pip_for(python), "install", "--quiet", "--no-compile", "--disable-pip-version-check"]
        subprocess.run([*pip, "--requirement", str(REQUIREMENTS), "--constraint", str(lock)], check=True)
        stamp.write_text(wanted)
    return python


def in_environment(python: Path, folder: str) -> bool:
    """The suite of backends, of those that speak, and the model's own tests."""
    tests = (
        [f"tests/neural/{folder}"]
        if folder in AIDS
        else ["tests/conformance/test_backends.py", f"tests/neural/{folder}"]
    )
    return _run([str(python), *PYTEST, *LOOSE, *tests], SYRINX_TEST_MODEL=folder, PYTHONPATH="src")


def served(python: Path, name: str, models: list[str]) -> bool:
    """A real server with each of them."""
    with tempfile.TemporaryDirectory(prefix="syrinx-served-") as folder:
        place = Path(folder)
        (place / "environments").symlink_to(Environments(DATA / "environments").folder.absolute())
        told = [str(python), "-m", "tests.neural.e2e.prepare", folder, *models]
        if not _run(told, PYTHONPATH="src"):
            return False
        if (place / "options.json").read_text() == "{}":
            print("Its sizes are in its library's code: served at full size only (bench/gpu.py).")
            return True
        return _run([sys.executable, *PYTEST, "tests/neural/e2e"], SYRINX_TEST_MODEL=name, SYRINX_TEST_SERVED=folder)


def _run(command: list[str], **variables: str) -> bool:
    environ = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", **variables}
    return subprocess.run(command, cwd=ROOT, env=environ, check=False).returncode == 0


def _say(line: str) -> None:
    if not line.startswith(" "):
        print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
