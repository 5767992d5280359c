"""Programs that run in ``.frameworks``, where the voice-agent frameworks are."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PYTHON = HERE.parents[1] / ".frameworks" / "bin" / "python"
LONGEST_S = 110.0


def run_framework(script: str, *arguments: str) -> Any:
    """What the script printed, parsed. Skips where the frameworks are not installed."""
    if not PYTHON.exists():
        pytest.skip("needs `make .frameworks/.installed`")
    environ = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    command = [PYTHON, HERE / script, *arguments]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=LONGEST_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])
