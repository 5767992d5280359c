"""Tests of the models that have an environment of their own: ``make test-models [MODEL=pocket]``. A name may be that of
an environment too (``MODEL=orpheus-vllm``).

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
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO, TypeVar

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
PYTEST = ("-m", "pytest", "-q", "-rfE", "-p", "no:cacheprovider", "--durations=5", "-o", "timeout=600")
LOOSE = ("-W", "default", "-o", "filterwarnings=default")
"""What a model's libraries warn of is theirs."""


ASKED_FOR = frozenset({"orpheus-vllm"})
"""Tested only where they are named, so never by ``.ci/run``: an engine of vLLM takes three processes and up to a minute
and a half to start, and its tests start many."""
AT_ONCE = 2
"""Environments under test side by side, with one thread of torch each."""

ASIDE = ("warnings summary", "slowest")
"""Sections of what pytest prints that do not say why a test failed."""
LAST_LINES = 40
"""Of a part that failed, told again at the end: whoever reads only that must see which test it was, and why."""

T = TypeVar("T")


def main(models: list[str]) -> int:
    """Test these models, or all; returns the exit status and prints the seconds of each environment."""
    every = {**MODELS, **AIDS}
    unknown = [name for name in models if name not in ENVIRONMENTS and not (name in every and every[name].environment)]
    if unknown:
        print(f"No model with an environment of its own: {', '.join(unknown)}")
        return 2
    chosen = {every[name].environment if name in every else name for name in models}
    chosen = chosen or set(ENVIRONMENTS) - ASKED_FOR
    trials: list[Trial] = []
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for done in as_completed([threads.submit(tried, name, models) for name in ENVIRONMENTS if name in chosen]):
            trial = done.result()
            trials.append(trial)
            trial.log.seek(0)
            print(trial.log.read(), flush=True)
            trial.log.close()
    report(trials)
    return 1 if any(trial.failed for trial in trials) else 0


def report(trials: Sequence[Trial]) -> None:
    """What came of it: a line an environment and, at the very end, the last words of each part that failed."""
    for trial in trials:
        print(f"{trial.name:20} {trial.outcome}  ({', '.join(trial.timed)})")
    for trial in trials:
        for part, why in trial.failed.items():
            print(f"\n== {trial.name}: {part} FAILED\n{why}")
    sys.stdout.flush()


def tried(name: str, only: list[str]) -> Trial:
    """Build and test one environment."""
    trial = Trial(name, tempfile.TemporaryFile("w+"))
    try:
        run_environment(trial, only)
    except Exception as error:  # noqa: BLE001  what one environment fails with must not hide the others
        trial.failed[trial.at] = f"{type(error).__name__}: {error}"
    return trial


@dataclass(slots=True)
class Trial:
    """One environment under test."""

    name: str
    log: TextIO
    """All that it printed."""
    failed: dict[str, str] = field(default_factory=dict[str, str])
    """Parts that did not go well, and their last words."""
    at: str = "start"
    """The part that it is at."""
    timed: list[str] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        return f"FAILED: {', '.join(self.failed)}" if self.failed else "passed"

    def part(self, title: str, run: Callable[[], T]) -> T:
        """Do a part of it and time it."""
        self.say(f"\n== {self.name}: {title}")
        self.at, began = title, time.monotonic()
        done = run()
        self.timed.append(f"{title} {time.monotonic() - began:.0f} s")
        return done

    def check(self, title: str, run: Callable[[], bool]) -> None:
        """Do a part that tells whether it went well, and keep its last words where it did not."""
        begins = self.log.seek(0, os.SEEK_END)
        if not self.part(title, run):
            self.log.seek(begins)
            self.failed[title] = last_words(self.log.read())

    def say(self, line: str) -> None:
        if not line.startswith(" "):
            print(line, file=self.log, flush=True)

    def run(self, command: list[str], **variables: str) -> bool:
        """Whether a command went well."""
        environ = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "COLUMNS": "160", **variables}
        done = subprocess.run(command, cwd=ROOT, env=environ, check=False, stdout=self.log, stderr=subprocess.STDOUT)
        return done.returncode == 0


def run_environment(trial: Trial, only: list[str]) -> None:
    """Build it, run the suite and its models' own tests in it, and have a server use it."""
    every = {**MODELS, **AIDS}
    models = [
        entry.name for entry in every.values() if entry.environment == trial.name and (not only or entry.name in only)
    ] or [trial.name]  # where models run in it with some option only, its tests are under its own name
    python = trial.part("environment", lambda: ready(trial))
    for folder in sorted({tests_of(model) for model in models}):
        trial.check(f"tests of {folder}", lambda folder=folder: in_environment(trial, python, folder))
    spoken = [model for model in models if model not in AIDS]
    if spoken:
        trial.check("server", lambda: served(trial, python, spoken))


def last_words(printed: str) -> str:
    """Why a part failed: the end of pytest's last failure and its summary, without what stands between the two."""
    lines = printed.rstrip().splitlines()
    titles = [n for n, line in enumerate(lines) if line.startswith("==") and line.endswith("==")]
    aside = {n for n in titles if lines[n].strip("= ").startswith(ASIDE)}
    kept = [line for n, line in enumerate(lines) if max((t for t in titles if t <= n), default=-1) not in aside]
    return "\n".join(kept[-LAST_LINES:])


def tests_of(model: str) -> str:
    """The folder with a model's tests: its own, or that of the first model of its environment."""
    own = model.replace("-", "_")
    if (HERE / own).is_dir():
        return own
    first = next(entry.name for entry in MODELS.values() if entry.environment == MODELS[model].environment)
    return first.replace("-", "_")


def ready(trial: Trial) -> Path:
    """The interpreter of a whole environment that can run tests."""
    installed, name = Installed(Places(DATA)), trial.name
    environments = installed.environments
    if environments.lacking(ENVIRONMENTS[name]) is not None:
        build(installed.plan(name, TorchSource()), environments, trial.say)
    python, stamp = environments.python(name), environments.place(name) / STAMP
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        lock = environments.place(name) / "lock.txt"
        pip = [*pip_for(python), "install", "--quiet", "--no-compile", "--disable-pip-version-check"]
        if not trial.run([*pip, "--requirement", str(REQUIREMENTS), "--constraint", str(lock)]):
            raise RuntimeError("what the tests need could not be installed")
        stamp.write_text(wanted)
    return python


def in_environment(trial: Trial, python: Path, folder: str) -> bool:
    """The suite of backends, of those that speak, and the model's own tests."""
    tests = (
        [f"tests/neural/{folder}"]
        if folder in AIDS
        else ["tests/conformance/test_backends.py", f"tests/neural/{folder}"]
    )
    return trial.run([str(python), *PYTEST, *LOOSE, *tests], SYRINX_TEST_MODEL=folder, PYTHONPATH="src")


def served(trial: Trial, python: Path, models: list[str]) -> bool:
    """A real server with each of them, and what only that environment's can show."""
    with tempfile.TemporaryDirectory(prefix="syrinx-served-") as folder:
        place = Path(folder)
        (place / "environments").symlink_to(Environments(DATA / "environments").folder.absolute())
        told = [str(python), "-m", "tests.neural.e2e.prepare", folder, *models]
        if not trial.run(told, PYTHONPATH="src"):
            return False
        if (place / "options.json").read_text() == "{}":
            trial.say("Its sizes are in its library's code: served at full size only (bench/gpu.py).")
            return True
        tests = [HERE / "e2e" / f"test_{name.replace('-', '_')}.py" for name in ("served", trial.name)]
        command = [sys.executable, *PYTEST, *(str(test) for test in tests if test.exists())]
        return trial.run(command, SYRINX_TEST_MODEL=trial.name, SYRINX_TEST_SERVED=folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
