"""``syrinx stop``: which server it means, how it waits, and what it leaves alone."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from syrinx.cli.main import main
from syrinx.cli.stop import choose
from syrinx.core.errors import InvalidRequest
from syrinx.server.run_file import FoundServer, RunningServer, State

DEAF = """
import signal, sys, time
from pathlib import Path
from syrinx.server.run_file import announced
signal.signal(signal.SIGTERM, lambda *_: {handler})
with announced(Path(sys.argv[1]), "http://127.0.0.1:8000", {drain_s}):
    print("ready", flush=True)
    time.sleep(60)
"""


@contextmanager
def program(folder: Path, handler: str = "sys.exit(0)", drain_s: float = 20.0) -> Iterator[subprocess.Popen[bytes]]:
    """A process that says it is a server, and what it does on SIGTERM."""
    code = DEAF.format(handler=handler, drain_s=drain_s)
    process = subprocess.Popen([sys.executable, "-c", code, str(folder)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def found(pid: int, port: int) -> FoundServer:
    server = RunningServer(pid, float(pid), "here", f"http://127.0.0.1:{port}", "0", 20.0)
    return FoundServer(Path(f"server-{pid}.json"), server, State.RUNNING)


def test_one_server_needs_no_name() -> None:
    assert choose([found(1, 8000)], None, False) == [found(1, 8000)]
    assert choose([], None, False) == []


def test_of_several_one_must_be_named_or_all_meant() -> None:
    both = [found(1, 8000), found(2, 8001)]
    with pytest.raises(InvalidRequest, match="--port"):
        choose(both, None, False)
    assert choose(both, 8001, False) == both[1:]
    assert choose(both, None, True) == both


def test_a_port_that_none_has_is_told_with_those_there_are() -> None:
    with pytest.raises(InvalidRequest, match=r"8002.*8000"):
        choose([found(1, 8000)], 8002, False)
    with pytest.raises(InvalidRequest, match="none"):
        choose([], 8002, False)


def test_no_server_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stop", "--data-dir", str(tmp_path / "absent")]) == 0
    assert "No server runs on" in capsys.readouterr().out


def test_a_server_that_ends_is_waited_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with program(tmp_path) as process:
        assert main(["stop", "--data-dir", str(tmp_path)]) == 0
        assert process.wait(5) == 0
    assert f"Stopped http://127.0.0.1:8000 (process {process.pid})" in capsys.readouterr().out
    assert list((tmp_path / "run").iterdir()) == []


def test_one_that_does_not_end_is_killed_when_asked_with_its_own_children(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start_child = "__import__('subprocess').Popen([sys.executable, '-c', 'import time; time.sleep(60)'])"
    with program(tmp_path, handler=start_child) as process:
        process.send_signal(signal.SIGTERM)
        children: list[psutil.Process] = []
        deadline = time.monotonic() + 30
        while not children and time.monotonic() < deadline:
            children = psutil.Process(process.pid).children()
        assert main(["stop", "--data-dir", str(tmp_path), "--kill-after", "0.2"]) == 0
        assert process.wait(5) == -signal.SIGKILL
        assert all(not child.is_running() or child.status() == psutil.STATUS_ZOMBIE for child in children)
    assert "Killed" in capsys.readouterr().out
    assert list((tmp_path / "run").iterdir()) == []


def test_one_that_does_not_end_is_left_and_told_of_when_killing_was_not_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syrinx.cli.stop.MARGIN_S", 0.1)
    with program(tmp_path, handler="None", drain_s=0.1) as process:
        assert main(["stop", "--data-dir", str(tmp_path)]) == 1
        assert process.poll() is None
        assert len(list((tmp_path / "run").iterdir())) == 1
    assert "--kill-after" in capsys.readouterr().err


def test_the_file_of_one_that_was_killed_is_tidied_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with program(tmp_path) as process:
        process.kill()
        process.wait()
        assert main(["stop", "--data-dir", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "ended already" in said and "No server runs on" in said
    assert list((tmp_path / "run").iterdir()) == []


def test_a_server_on_another_machine_is_not_touched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with program(tmp_path) as process:
        monkeypatch.setattr("platform.node", lambda: "elsewhere")
        assert main(["stop", "--data-dir", str(tmp_path)]) == 1
        assert process.poll() is None
    assert "stop it there" in capsys.readouterr().err
