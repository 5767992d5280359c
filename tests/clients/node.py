"""Scripts that node runs with the packages of ``package.json`` here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
LONGEST_S = 60.0


def run_node(script: str, *arguments: str) -> Any:
    """What the script printed, parsed. Skips where node or the packages are not installed."""
    if shutil.which("node") is None or not (HERE / "node_modules").is_dir():
        pytest.skip("needs node, and `npm ci --prefix tests/clients`")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "ELEVENLABS_"))}
    command = ["node", HERE / script, *arguments]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=LONGEST_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)
