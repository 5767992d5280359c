"""``python -m bench [name ...] [--quick] [--json FILE]``: run the measures, print one table.

The exit status is 1 if any figure falls short of its reach.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psutil

from bench.figure import Effort, Figure, table
from bench.measures import MEASURES


def main() -> int:
    """Parse the command line and run. Returns the exit status."""
    arguments, machine = _arguments(sys.argv[1:]), _machine()
    print(machine, file=sys.stderr)
    figures: list[Figure] = []
    for name in arguments.name or MEASURES:
        print(f"... {name}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="syrinx-bench-") as folder:
            figures += _run(name, Effort(arguments.quick, Path(folder)))
    print(table(figures))
    if arguments.json is not None:
        rows = [dataclasses.asdict(figure) for figure in figures]
        arguments.json.write_text(json.dumps({"machine": machine, "figures": rows}, indent=2) + "\n")
    return 0 if all(figure.ok for figure in figures) else 1


def _run(name: str, effort: Effort) -> list[Figure]:
    """One measure's figures; a row that falls short where it could not be taken."""
    try:
        return asyncio.run(MEASURES[name](effort))
    except (OSError, RuntimeError, LookupError, TimeoutError) as error:
        print(f"{name}: {error}", file=sys.stderr, flush=True)
        return [Figure(name, "a measurement", f"failed: {str(error).splitlines()[0]}", "", ok=False)]


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure what Syrinx reaches on this machine.")
    parser.add_argument("name", nargs="*", choices=[*MEASURES, []], metavar="NAME", help=", ".join(MEASURES))
    parser.add_argument("--quick", action="store_true", help="few repetitions: rough figures in about two minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    return parser.parse_args(words)


def _machine() -> str:
    memory = psutil.virtual_memory().total / 1e9
    others = psutil.getloadavg()[0]
    return (
        f"{psutil.cpu_count()} cores, {memory:.0f} GB, {platform.system()}, Python {platform.python_version()}, "
        f"load average before {others:.1f}"
    )


if __name__ == "__main__":
    sys.exit(main())
