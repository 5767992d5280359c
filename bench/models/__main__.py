"""``python -m bench.models [NAME ...] [--quick]``: each model beside its own library (``make bench-models``).

Every model's bench is a program of its own, for libraries cannot share an interpreter: some stand in the server's
environment and start both sides, some compare two loops within the model's. The exit status is that of the worst: 0, 3
where a figure is missed, anything else where a program failed. With ``--quick`` figures say nothing and are not judged.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.figure import MISSED
from syrinx.models.environment import Environments
from syrinx.models.fetch import Places
from syrinx.models.installed import Installed

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Program:
    """How one is run."""

    environment: str
    within: bool = True
    """In the model's environment; else in the server's, with the folder of the model's as its first argument."""
    full: tuple[str, ...] = ()
    """Arguments for figures that mean something ..."""
    quick: tuple[str, ...] = ()
    """... and for a look at whether it works."""


PROGRAMS: Mapping[str, Program] = {
    "pocket": Program("pocket", within=False, quick=("--tiny", "--clients", "1", "--rounds", "1")),
    "kokoro": Program("kokoro", within=False, quick=("--tiny", "--rounds", "1")),
    "kokoro_onnx": Program("kokoro-onnx", within=False, quick=("--tiny", "--rounds", "1")),
    "qwen": Program("qwen", full=("--full",), quick=("--rounds", "1")),
    "chatterbox": Program("chatterbox", full=("--size", "quarter"), quick=("--rounds", "1")),
    "vibevoice": Program("vibevoice", full=("--full",), quick=("--rounds", "1")),
    "orpheus": Program("orpheus", quick=("--size", "tiny", "--rounds", "1")),
}
"""By the name of its module, in the order in which they run."""


def main(words: Sequence[str]) -> int:
    """Run those that were named, or all."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.models", description="Measure models beside their libraries."
    )
    parser.add_argument("name", nargs="*", choices=[*PROGRAMS, []], metavar="NAME", help=", ".join(PROGRAMS))
    parser.add_argument("--quick", action="store_true", help="tiny weights: shows that it works, nothing else")
    parser.add_argument("--data-dir", type=Path, default=Path(".models"), help="where the environments are")
    asked = parser.parse_args(words)
    environments = Installed(Places(asked.data_dir)).environments
    statuses = {_run(name, environments, quick=asked.quick) for name in asked.name or PROGRAMS}
    failed = statuses - {0, MISSED}
    return max(failed) if failed else 0 if asked.quick else max(statuses)


def _run(name: str, environments: Environments, *, quick: bool) -> int:
    program = PROGRAMS[name]
    print(f"\n== {name}", flush=True)
    if not environments.python(program.environment).exists():
        print(f"There is no environment {program.environment}: make test-models MODEL={name}", file=sys.stderr)
        return 1
    python = str(environments.python(program.environment)) if program.within else sys.executable
    place = () if program.within else (str(environments.place(program.environment)),)
    command = [python, "-m", f"bench.models.{name}", *place, *(program.quick if quick else program.full)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "HF_HUB_OFFLINE": "1"}
    status = subprocess.run(command, cwd=ROOT, env=environ, check=False).returncode
    return status if status >= 0 else 128 - status  # ended by a signal: as a shell says it


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
