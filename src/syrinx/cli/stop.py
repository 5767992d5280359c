"""``syrinx stop``."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from cyclopts import Parameter, validators

from syrinx.core.errors import InvalidRequest

from .folder import settings_of
from .progress import StatusLine

if TYPE_CHECKING:
    import psutil

    from syrinx.server.run_file import FoundServer

MARGIN_S = 15.0
"""Beyond the drain: closing connections, stopping models, writing what is left."""
POLL_S = 0.1
KILLED_S = 5.0
"""Longest wait for a killed process to be gone."""


def stop(
    *,
    port: Annotated[int | None, Parameter(help="Of the server to stop, where several run on the folder.")] = None,
    all: Annotated[bool, Parameter(help="Stop every server that runs on the folder.")] = False,
    kill_after: Annotated[
        float | None,
        Parameter(validator=validators.Number(gte=0), help="Kill what has not ended after so many seconds."),
    ] = None,
    data_dir: Annotated[Path | None, Parameter(help="The server's data folder (.data).")] = None,
    config: Annotated[Path | None, Parameter(help="TOML file of settings (docs/settings.md).")] = None,
) -> int:
    """Stop the server that runs on a data folder: running speech ends first. Touches no other process."""
    from syrinx.server.run_file import State, find_servers

    folder = settings_of(data_dir, config).data_dir
    there = find_servers(folder)
    for found in there:
        if found.state is State.GONE:
            found.path.unlink(missing_ok=True)
            print(f"Process {found.server.pid} ({found.server.url}) has ended already; its file is removed.")
    chosen = choose([found for found in there if found.state is not State.GONE], port, all)
    if not chosen:
        print(f"No server runs on {folder}.")
        return 0
    return max(stop_one(found, kill_after) for found in chosen)


def choose(there: list[FoundServer], port: int | None, all: bool) -> list[FoundServer]:
    """The servers that are meant. Raises ``InvalidRequest`` where that is not clear, or none has that port."""
    matching = [found for found in there if port is None or urlsplit(found.server.url).port == port]
    if port is not None and not matching:
        here = ", ".join(found.server.url for found in there) or "none"
        raise InvalidRequest(f"No server on this folder listens on port {port}; there are: {here}.")
    if len(matching) > 1 and not all:
        urls = ", ".join(found.server.url for found in matching)
        raise InvalidRequest(f"Several servers run on this folder: {urls}. Say which with --port, or --all.")
    return matching


def stop_one(found: FoundServer, kill_after: float | None) -> int:
    """Ask one server to end, wait for it, and return 0 if it did."""
    from syrinx.server.run_file import State, process_of

    server = found.server
    name = f"{server.url} (process {server.pid})"
    if found.state is State.ELSEWHERE:
        where = f"runs on {server.machine}: stop it there, or remove {found.path} if it is gone"
        print(f"syrinx: {name} {where}.", file=sys.stderr)
        return 1
    process = process_of(found)
    if process is None:
        found.path.unlink(missing_ok=True)
        print(f"{name} has ended by itself.")
        return 0
    wait_s = server.drain_timeout_s + MARGIN_S if kill_after is None else kill_after
    began = time.monotonic()
    family = [process, *process.children(recursive=True)]
    if not _asked_to_end(process, name):
        return 1
    if _ends(process, wait_s, f"Waiting for {name} to finish speaking"):
        print(f"Stopped {name} in {time.monotonic() - began:.1f} s.")
    elif kill_after is None:
        print(f"syrinx: {name} has not ended after {wait_s:.0f} s; see its log, or use --kill-after.", file=sys.stderr)
        return 1
    else:
        _kill(family)
        print(f"Killed {name} after {wait_s:.0f} s.")
    found.path.unlink(missing_ok=True)
    return 0


def _asked_to_end(process: psutil.Process, name: str) -> bool:
    import psutil

    try:
        process.terminate()  # psutil looks at the start time again, so that a reused number is never signalled
    except psutil.NoSuchProcess:
        pass  # it ended in this moment
    except psutil.AccessDenied:
        print(f"syrinx: {name} belongs to another user: stop it as that user.", file=sys.stderr)
        return False
    return True


def _ends(process: psutil.Process, wait_s: float, doing: str) -> bool:
    from syrinx.server.run_file import is_over

    line, deadline = StatusLine(), time.monotonic() + wait_s
    try:
        while not is_over(process):
            if time.monotonic() >= deadline:
                return False
            line.show(f"{doing}, up to {wait_s:.0f} s:")
            time.sleep(POLL_S)
        return True
    finally:
        line.clear()


def _kill(family: list[psutil.Process]) -> None:
    """Kill a server and the model processes that were its own, and wait until they are gone."""
    import psutil

    from syrinx.server.run_file import is_over

    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    deadline = time.monotonic() + KILLED_S
    while time.monotonic() < deadline and not all(is_over(process) for process in family):
        time.sleep(POLL_S)
