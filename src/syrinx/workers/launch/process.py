"""Worker processes on this machine: start one, hear what it prints, end it for certain."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from syrinx.workers.address import SECRET_VARIABLE, Address

TAIL_LINES = 40
MAX_LINE_BYTES = 4000
REAP_TIMEOUT_S = 5.0
"""Longest wait for the kernel to end a killed process."""
UNKNOWN_STATUS = 255
BOOTSTRAP = Path(__file__).resolve().parent.parent / "bootstrap.py"
SPIN_COUNT = 10_000
"""How often a thread of libgomp looks for its next bit of work before it sleeps (its manual, GOMP_SPINCOUNT: else
300,000). Measured on Pocket TTS, eight jobs on two cores: a step takes 107 to 116 ms (300,000: 105 to 117; 0: 141 to
145); beside another busy process 347 ms with 300,000, and 185 ms with 0."""
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "RAYON_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """How a worker's process is made."""

    python: str = sys.executable
    """Interpreter: the model's own environment, or ours."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Set in addition to what is inherited."""
    processes: int = 1
    """How many share this machine's cores."""

    def command(self) -> tuple[str, ...]:
        """The program and its first arguments."""
        if self.python == sys.executable:
            return (self.python, "-P", "-m", "syrinx.workers")
        return (self.python, "-P", str(BOOTSTRAP))


class WorkerProcess(asyncio.SubprocessProtocol):
    """A started process. ``exited`` holds its status once it has ended (negative: the signal that ended it)."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._partial = b""
        self._transport: asyncio.SubprocessTransport | None = None
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        """The last lines it printed."""
        self.exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)  # uvloop's is none by type

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._printed(line)
        if len(self._partial) > MAX_LINE_BYTES:
            self._printed(self._partial)
            self._partial = b""

    def process_exited(self) -> None:
        status = self._transport.get_returncode() if self._transport is not None else None
        if not self.exited.done():
            self.exited.set_result(UNKNOWN_STATUS if status is None else status)

    @property
    def pid(self) -> int:
        return self._transport.get_pid() if self._transport is not None else 0

    def kill(self) -> None:
        """End the process and all that it started, without mercy."""
        if self._transport is None:
            return
        try:
            if hasattr(os, "killpg"):
                os.killpg(self.pid, signal.SIGKILL)
            else:
                self._transport.kill()
        except (ProcessLookupError, PermissionError):
            pass  # it ended by itself (macOS says the latter of a group of zombies)

    async def end(self) -> None:
        """Kill what is left, wait until it is gone (at most ``REAP_TIMEOUT_S``), and let go of its pipes."""
        self.kill()
        await asyncio.wait([self.exited], timeout=REAP_TIMEOUT_S)
        if self._partial:
            self._printed(self._partial)
            self._partial = b""
        if self._transport is not None:
            self._transport.close()

    def said(self) -> str:
        """Return the last lines it printed as one bounded text."""
        return "\n".join(self.tail)

    def _printed(self, line: bytes) -> None:
        text = line[:MAX_LINE_BYTES].decode("utf-8", "replace").rstrip()
        if text:
            self.tail.append(text)
            self._on_line(text)


async def launch(
    spec: ProcessSpec, address: Address, folder: Path, secret: str, on_line: Callable[[str], None]
) -> WorkerProcess:
    """Start a worker that will connect to ``address``. Raises ``OSError`` when the program cannot be started."""
    own_group: dict[str, Any] = {"start_new_session": True}  # so that Ctrl-C in the terminal reaches only the server
    if sys.platform == "win32":
        own_group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    loop = asyncio.get_running_loop()
    _, process = await loop.subprocess_exec(
        lambda: WorkerProcess(on_line),
        *(*spec.command(), str(address), str(folder)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment(os.environ, spec, secret, os.cpu_count() or 1),
        **own_group,
    )
    return process


def environment(inherited: Mapping[str, str], spec: ProcessSpec, secret: str, cores: int) -> dict[str, str]:
    """Return the variables of a worker: what is inherited, fair shares of the cores where nothing is said, its own."""
    share = str(max(1, cores // spec.processes))
    threads = {name: share for name in THREAD_VARIABLES}
    threads["OPENBLAS_NUM_THREADS"] = "1"  # numpy's: idle threads that cost memory; models bring their own
    if "OMP_WAIT_POLICY" not in inherited:
        threads["GOMP_SPINCOUNT"] = str(SPIN_COUNT)
    own = {"PYTHONUNBUFFERED": "1", "PYTHONFAULTHANDLER": "1", SECRET_VARIABLE: secret}
    return {**threads, **inherited, **spec.env, **own}
