"""Which servers run on a data folder: each writes ``run/server-<pid>.json`` there while it lives.

One file a process, so two servers on one folder never overwrite each other's, and a killed one is told from a live one.
"""

from __future__ import annotations

import contextlib
import enum
import os
import platform
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil
import structlog

from syrinx import __version__

FOLDER = "run"
MARK = ".syrinx"
"""File in every data folder that a server used; nothing without it is ever emptied by ``syrinx purge``."""
MARK_TEXT = "A data folder of Syrinx. `syrinx purge` may remove what Syrinx keeps here.\n"
MAX_FILE_BYTES = 10_000
SAME_PROCESS_S = 2.0
"""Start times of one process differ by no more: they count from the boot time, which a set clock moves a little."""


class RunningServer(msgspec.Struct, frozen=True):
    """What a server says of itself."""

    pid: int
    created_at: float
    """Start of its process, Unix seconds."""
    machine: str
    """Network name; process numbers of another machine, or container, mean nothing here."""
    url: str
    version: str
    drain_timeout_s: float
    """Longest it lets running speech go on once it was told to stop."""


class State(enum.Enum):
    """What became of the server that wrote a file."""

    RUNNING = "running"
    GONE = "gone"
    ELSEWHERE = "on another machine"


@dataclass(frozen=True, slots=True)
class FoundServer:
    """A file and the process it speaks of."""

    path: Path
    server: RunningServer
    state: State


@contextmanager
def announced(data_dir: Path, url: str, drain_timeout_s: float) -> Generator[None, None, None]:
    """Have this process's file there for the length of the block, and the mark of a data folder from then on.

    Where the folder cannot be written that is logged, and the server goes on: only ``syrinx stop`` will not find it.
    """
    me = psutil.Process()
    server = RunningServer(me.pid, me.create_time(), platform.node(), url, __version__, drain_timeout_s)
    path = data_dir / FOLDER / f"server-{me.pid}.json"
    try:
        _tidy(data_dir)
        part = path.with_name(f".{path.name}.part")
        part.write_bytes(msgspec.json.format(msgspec.json.encode(server)) + b"\n")
        part.replace(path)
    except OSError as error:
        structlog.get_logger("syrinx.server").warning("run_file_failed", error=str(error))
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _tidy(data_dir: Path) -> None:
    """Make the folder and its mark, and remove what servers that were killed left there."""
    (data_dir / FOLDER).mkdir(parents=True, exist_ok=True)
    for found in find_servers(data_dir):
        if found.state is State.GONE:
            found.path.unlink(missing_ok=True)
    with contextlib.suppress(FileExistsError), (data_dir / MARK).open("x", encoding="utf-8") as mark:
        mark.write(MARK_TEXT)


def find_servers(data_dir: Path) -> list[FoundServer]:
    """Every server that wrote a file there, the oldest first. What is no such file is passed over."""
    found: list[FoundServer] = []
    for path in (data_dir / FOLDER).glob("server-*.json"):
        server = _read(path)
        if server is not None:
            found.append(FoundServer(path, server, _state(path, server)))
    return sorted(found, key=lambda each: each.server.created_at)


def process_of(found: FoundServer) -> psutil.Process | None:
    """The process of a running server, or None where it has ended by now."""
    return _process(found.path, found.server)


def is_over(process: psutil.Process) -> bool:
    """Whether it has ended, also where its parent has not taken notice yet."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _state(path: Path, server: RunningServer) -> State:
    if server.machine != platform.node():
        return State.ELSEWHERE
    return State.GONE if _process(path, server) is None else State.RUNNING


def _process(path: Path, server: RunningServer) -> psutil.Process | None:
    """The process with that number, if it began when the file says and belongs to who wrote the file.

    Without the last, a file in a folder that others may write could make their process one that we stop.
    """
    try:
        process = psutil.Process(server.pid)
        same = abs(process.create_time() - server.created_at) <= SAME_PROCESS_S
        if hasattr(os, "getuid"):
            same = same and process.uids().real == path.lstat().st_uid
        return process if same and not is_over(process) else None
    except (psutil.Error, ValueError, OverflowError, FileNotFoundError):
        return None


def _read(path: Path) -> RunningServer | None:
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_FILE_BYTES:
            return None
        server = msgspec.json.decode(path.read_bytes(), type=RunningServer)
    except (OSError, msgspec.MsgspecError, RecursionError):
        return None
    return server if server.pid > 0 else None
