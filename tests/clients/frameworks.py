"""Programs beside the server's environment: ``.NAME`` has the packages of ``NAME.txt`` here; the Makefile makes it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LONGEST_S = 110.0
KEYS = ("OPENAI_", "ELEVEN_", "ELEVENLABS_", "SYRINX_")
"""How variables of a developer's shell begin that would change what a client does."""


def run_framework(script: str, *arguments: str) -> Any:
    """What a script of this folder printed last in ``.frameworks``, where the voice-agent frameworks are, parsed."""
    return json.loads(run_in("frameworks", HERE / script, *arguments).splitlines()[-1])


def run_in(environment: str, script: Path, *arguments: str, folder: Path = HERE) -> str:
    """What the script printed, run in ``folder``. Skips where the environment is not made."""
    python = ROOT / f".{environment}" / "bin" / "python"
    if not python.exists():
        pytest.skip(f"needs `make .{environment}/.installed`")
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(KEYS) and not name.lower().endswith("_proxy")
    }
    command = [python, script, *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=LONGEST_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
