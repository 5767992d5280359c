"""Shell sessions in Markdown: what is typed, what is shown, and whether it is true."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

LONGEST_S = 60.0


@dataclass(frozen=True, slots=True)
class Step:
    """One ``$`` line of a ```console block and the output shown below it, where ``...`` stands for anything."""

    command: str
    shown: str

    def matches(self, output: str) -> bool:
        pattern = ".*".join(re.escape(part) for part in self.shown.strip().split("..."))
        return re.fullmatch(pattern, output.strip(), re.DOTALL) is not None


def steps_of(page: str) -> list[Step]:
    """Every step of every ``console`` block of a Markdown page, in order."""
    found = []
    for block in blocks_of(page, "console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            found.append(Step(command, shown))
    return found


def blocks_of(page: str, language: str) -> list[str]:
    """The contents of every fenced block of that language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def run_step(step: Step, folder: Path, server_url: str) -> str:
    """Run it in ``folder`` with ``syrinx`` on the path; return what a terminal would show, stderr included."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("SYRINX_")}
    environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"
    command = step.command.replace("http://127.0.0.1:8000", server_url)
    done = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    return done.stdout.replace(server_url, "http://127.0.0.1:8000")
