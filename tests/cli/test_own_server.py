"""A command's own server: there for the block, gone after it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

from syrinx.cli.own_server import own_server
from syrinx.core.errors import ModelNotReady

HOLD = """
import sys, time
from syrinx.cli.main import guarded
from syrinx.cli.own_server import own_server
def run():
    with own_server("tone") as own:
        print(own.url, flush=True)
        time.sleep(60)
sys.exit(guarded(run))
"""


def below(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def test_it_speaks_to_who_has_its_token_and_is_gone_afterwards(tmp_path: Path) -> None:
    others = below(os.getpid())  # servers of other tests
    with own_server("tone") as own:
        family = [process for process in below(os.getpid()) if process not in others]
        answer = httpx.get(f"{own.url}/v1/health", headers={"Authorization": f"Bearer {own.token}"}, trust_env=False)
        assert answer.status_code == 200
        assert httpx.get(f"{own.url}/v1/health", trust_env=False).status_code == 401
        assert "listening" in own.log_tail()
    assert family and not any(process.is_running() for process in family)
    assert not own.log.exists()


def test_its_folder_stays_if_one_was_named(tmp_path: Path) -> None:
    with own_server("tone", "secret", tmp_path / "data") as own:
        assert own.token == "secret"
    assert (tmp_path / "data" / "syrinx.db").exists()


def test_one_that_cannot_start_is_told_with_its_own_words() -> None:
    with pytest.raises(ModelNotReady, match=r"status 2(.|\n)*zork"):
        with own_server("zork"):
            raise AssertionError("there is no such model")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nothing_is_left_behind_by_a_signal(number: signal.Signals) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline().startswith("http://")
        family = below(process.pid)
        assert len(family) >= 2, "the server and its model"
        process.send_signal(number)
        assert process.wait(30) == 130
        deadline = time.monotonic() + 30
        while any(each.is_running() for each in family) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not any(each.is_running() for each in family)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
