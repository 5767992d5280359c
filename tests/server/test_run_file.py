"""Which servers run on a folder: what is written, what is believed, and whose process is never taken for a server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import psutil
import pytest

from syrinx.server.run_file import (
    MARK,
    RunningServer,
    State,
    announced,
    find_servers,
    is_over,
    process_of,
)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that is nobody's server."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def write(folder: Path, **changes: object) -> Path:
    """A run file as this very process would have it, changed."""
    me = psutil.Process()
    fields = {
        "pid": me.pid,
        "created_at": me.create_time(),
        "machine": os.uname().nodename,
        "url": "http://127.0.0.1:8000",
        "version": "0",
        "drain_timeout_s": 20.0,
    }
    path = folder / "run" / f"server-{changes.get('pid', me.pid)}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(msgspec.json.encode({**fields, **changes}))
    return path


def states(folder: Path) -> list[State]:
    return [found.state for found in find_servers(folder)]


def test_a_server_is_there_while_it_runs_and_its_mark_stays(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with announced(folder, "http://127.0.0.1:8000", 20.0):
        (found,) = find_servers(folder)
        assert found.state is State.RUNNING
        assert (found.server.pid, found.server.url) == (os.getpid(), "http://127.0.0.1:8000")
        process = process_of(found)
        assert process is not None and process.pid == os.getpid()
    assert find_servers(folder) == []
    assert (folder / MARK).is_file() and list((folder / "run").iterdir()) == []


def test_it_is_taken_away_also_when_the_server_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), announced(tmp_path, "http://127.0.0.1:8000", 20.0):
        raise ZeroDivisionError
    assert find_servers(tmp_path) == []


def test_a_server_that_was_killed_is_told_from_one_that_runs_and_tidied_up_by_the_next(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    stale = write(tmp_path, pid=ended.pid, created_at=time.time())
    assert states(tmp_path) == [State.GONE]
    with announced(tmp_path, "http://127.0.0.1:8000", 20.0):
        assert states(tmp_path) == [State.RUNNING]
        assert not stale.exists()


def test_a_number_that_another_process_has_now_is_not_the_server(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    write(tmp_path, pid=sleeper.pid, created_at=psutil.Process(sleeper.pid).create_time() - 60)
    assert states(tmp_path) == [State.GONE]
    assert process_of(find_servers(tmp_path)[0]) is None


def test_another_users_process_is_not_stopped_for_whoever_wrote_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path)
    assert states(tmp_path) == [State.RUNNING]
    kept = Path.lstat

    def as_of_another_user(self: Path) -> os.stat_result:
        found = kept(self)
        return os.stat_result((*found[:4], found.st_uid + 1, *found[5:])) if self == path else found

    monkeypatch.setattr(Path, "lstat", as_of_another_user)
    assert states(tmp_path) == [State.GONE]


def test_a_server_of_another_machine_is_neither_running_here_nor_gone(tmp_path: Path) -> None:
    path = write(tmp_path, machine="elsewhere", pid=1)
    assert states(tmp_path) == [State.ELSEWHERE]
    with announced(tmp_path, "http://127.0.0.1:8000", 20.0):
        assert path.exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"[" * 9000, b"\xff", b'{"pid":"1"}', b"null", b" " * 20_000],
    ids=["empty", "torn", "list", "deep", "no text", "half", "null", "huge"],
)
def test_what_is_no_run_file_is_passed_over(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "server-1.json").write_bytes(content)
    assert find_servers(tmp_path) == []


@pytest.mark.parametrize("pid", [0, -1, 2**40])
def test_a_number_that_no_process_can_have_is_no_running_server(pid: int, tmp_path: Path) -> None:
    write(tmp_path, pid=pid)
    assert State.RUNNING not in states(tmp_path)


def test_a_link_is_no_run_file(tmp_path: Path) -> None:
    real = write(tmp_path)
    real.rename(tmp_path / "elsewhere.json")
    real.symlink_to(tmp_path / "elsewhere.json")
    assert find_servers(tmp_path) == []


def test_a_folder_that_cannot_be_written_does_not_keep_a_server_from_running(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with announced(tmp_path / "data", "http://127.0.0.1:8000", 20.0):
        assert find_servers(tmp_path / "data") == []


def test_an_ended_process_is_over_also_before_its_parent_takes_notice() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    process = psutil.Process(child.pid)
    deadline = time.monotonic() + 30
    while not is_over(process) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert is_over(process)
    child.wait()
    assert is_over(process)


def test_two_servers_have_two_files(tmp_path: Path, sleeper: subprocess.Popen[bytes]) -> None:
    with announced(tmp_path, "http://127.0.0.1:8000", 20.0):
        write(tmp_path, pid=sleeper.pid, created_at=psutil.Process(sleeper.pid).create_time())
        assert states(tmp_path) == [State.RUNNING, State.RUNNING]


def test_what_is_written_is_what_is_read() -> None:
    server = RunningServer(1, 2.0, "m", "http://127.0.0.1:8000", "0", 20.0)
    assert msgspec.json.decode(msgspec.json.encode(server), type=RunningServer) == server
