"""A server of a command's own: started on a free port, waited for, and gone at the end, however that comes."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from syrinx.core.errors import ModelNotReady

from .progress import StatusLine

READY_WAIT_S = 600.0
"""As long as a model may take to load by default."""
STOP_WAIT_S = 5.0
"""After being told to end; nobody listens to it any more."""
POLL_S = 0.1
LOG_TAIL_LINES = 15


@dataclass(frozen=True, slots=True)
class OwnServer:
    """A running one."""

    url: str
    token: str
    log: Path
    """What it wrote; gone with it."""

    def log_tail(self) -> str:
        """The end of it."""
        return tail_of(self.log)


@contextmanager
def own_server(model: str, token: str = "", data_dir: Path | None = None) -> Generator[OwnServer, None, None]:
    """Run ``syrinx serve`` for the length of the block. Without ``data_dir`` its folder is a new one, and goes too.

    The environment's settings hold but for address, key, model and database. Raises ``ModelNotReady`` with the end of
    its log if it does not become ready.
    """
    token = token or secrets.token_hex(16)
    with _ended_by_signals(), tempfile.TemporaryDirectory(prefix="syrinx-") as scratch:
        folder = data_dir or Path(scratch, "data")
        log = Path(scratch, "log")
        command = [sys.executable, "-m", "syrinx", "serve", "--host", "127.0.0.1", "--port", "0"]
        command += ["--model", model, "--data-dir", str(folder)]
        environ = os.environ | {"SYRINX_API_KEY": token, "SYRINX_DATABASE_URL": ""}
        with log.open("wb") as output:
            # In a session of its own, so that Ctrl-C reaches us alone and we end it in order.
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environ, start_new_session=True
            )
        try:
            yield OwnServer(_ready(process, folder, log), token, log)
        finally:
            _end(process)


def _ready(process: subprocess.Popen[bytes], folder: Path, log: Path) -> str:
    """Wait until it would speak; return its address."""
    import httpx

    line, deadline = StatusLine(), time.monotonic() + READY_WAIT_S
    try:
        while process.poll() is None and time.monotonic() < deadline:
            url = _address(process.pid, folder)
            with contextlib.suppress(httpx.TransportError):
                if url and httpx.get(f"{url}/readyz", timeout=5.0, trust_env=False).status_code == 200:
                    return url
            line.show("Starting a server, ready")
            time.sleep(POLL_S)
    finally:
        line.clear()
    ended = f"ended with status {process.returncode}" if process.poll() is not None else "did not become ready"
    raise ModelNotReady(f"The server that was started {ended}:\n{tail_of(log)}")


def tail_of(log: Path) -> str:
    """The last lines of a file of text."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_TAIL_LINES:])


def _address(pid: int, folder: Path) -> str:
    from syrinx.server.run_file import find_servers

    return next((found.server.url for found in find_servers(folder) if found.server.pid == pid), "")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Have it end; kill it and the model processes below it where it does not, also when we are interrupted again."""
    import psutil

    family: list[psutil.Process] = []
    try:
        with contextlib.suppress(psutil.NoSuchProcess):
            family = psutil.Process(process.pid).children(recursive=True)
        if process.poll() is None:
            process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_WAIT_S)
    finally:
        for each in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                each.kill()  # psutil looks at the start time again: a number that is another's by now is left alone
        if process.poll() is None:
            process.kill()
        process.wait()


@contextmanager
def _ended_by_signals() -> Generator[None, None, None]:
    """Have SIGTERM and a closed terminal end the block as Ctrl-C does, or its server would stay behind."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    names = ("SIGTERM", "SIGHUP") if threading.current_thread() is threading.main_thread() else ()
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before: list[Any] = [signal.signal(number, interrupt) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
