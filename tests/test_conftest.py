"""The rule of `.ci/run`: nothing may be skipped unnoticed; and slow folders wait for fast ones."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SKIPS = "import pytest\n\ndef test_a():\n    pytest.skip('needs a thing')\n"
PASSES = "def test_a():\n    assert True\n"


@pytest.mark.parametrize(
    ("required", "content", "status"), [("1", SKIPS, 1), ("0", SKIPS, 0), ("1", PASSES, 0), ("0", PASSES, 0)]
)
def test_a_skip_fails_the_run_only_where_all_tests_are_required(
    required: str, content: str, status: int, tmp_path: Path
) -> None:
    (tmp_path / "conftest.py").write_text("from tests.conftest import pytest_sessionfinish as pytest_sessionfinish\n")
    (tmp_path / "test_it.py").write_text(content)
    done = pytest_in(tmp_path, REQUIRE_ALL_TESTS=required)
    assert done.returncode == status, done.stdout
    assert ("skipped tests count as failures" in done.stdout) == bool(status)
    assert done.stdout.splitlines()[-1].endswith("s") and " in " in done.stdout.splitlines()[-1]


def test_a_folder_of_servers_runs_after_one_of_units(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "from tests.conftest import pytest_collection_modifyitems as pytest_collection_modifyitems\n"
    )
    for folder in ("e2e", "server", "text"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"test_{folder}.py").write_text(PASSES)
    shown = pytest_in(tmp_path, "-v").stdout
    assert shown.index("test_text.py") < shown.index("test_server.py") < shown.index("test_e2e.py")


def pytest_in(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, str(folder)]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False)
