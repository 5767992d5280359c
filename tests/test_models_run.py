"""What ``make test-models`` tells last: its end alone must say which test failed, and why."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.neural.run import PYTEST, Trial, report

FAILS = """
import warnings, pytest
@pytest.fixture
def spoiled():
    yield
    assert not "left behind"
def test_good(): pass
def test_bad():
    for n in range(30):
        warnings.warn(f"a library's own {n}", stacklevel=n + 1)
    assert 1 + 1 == 3, "sums"
def test_untidy(spoiled): pass
"""


@pytest.fixture
def trial() -> Iterator[Trial]:
    with tempfile.TemporaryFile("w+") as log:
        yield Trial("an-environment", log)


def run_in(trial: Trial, folder: Path, text: str) -> bool:
    """Have pytest run in the way of the models' tests, on a file with this text."""
    (folder / "test_it.py").write_text(text)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, *PYTEST, "-W", "default", str(folder)]
    return subprocess.run(command, cwd=folder, check=False, stdout=trial.log, stderr=trial.log).returncode == 0


def test_the_last_words_are_which_tests_failed_and_why(
    trial: Trial, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trial.check("tests of good", lambda: run_in(trial, tmp_path, "def test_it(): pass"))
    trial.check("tests of bad", lambda: run_in(trial, tmp_path, FAILS))
    trial.check("server", lambda: True)
    assert list(trial.failed) == ["tests of bad"]
    other = Trial("another", trial.log)
    report([trial, other])
    out = capsys.readouterr().out
    told = out.splitlines()
    assert told[0].startswith("an-environment       FAILED: tests of bad  (tests of good")
    assert told[1].startswith("another              passed") and len(told) < 50
    for said in ("test_bad", "assert (1 + 1) == 3", "AssertionError: sums", "ERROR", "test_untidy", "left behind"):
        assert said in "\n".join(told[-20:]), out
    assert "UserWarning" not in out and "slowest" not in out


def test_a_part_that_breaks_off_is_told_too(trial: Trial, capsys: pytest.CaptureFixture[str]) -> None:
    trial.at, trial.failed["environment"] = "environment", "RuntimeError: no room"
    report([trial])
    assert capsys.readouterr().out.endswith("== an-environment: environment FAILED\nRuntimeError: no room\n")
