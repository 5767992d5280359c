"""A real ``syrinx serve`` in a process of its own on a free port, for tests that must see what a user sees."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

READY_WAIT_S = 60.0
"""Longest wait for readiness: espeak needs about a second; a loaded two-core machine many times that."""
STOP_WAIT_S = 15.0
LOG_TAIL_CHARS = 6000


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How to start it. ``settings`` are field names of ``syrinx.config.Settings``."""

    models: tuple[str, ...] = ("espeak",)
    settings: Mapping[str, Any] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    """Environment variables as they are, such as the founding systems' ``API_KEY``."""
    port_variable: str = ""
    """The variable that tells it its port; empty: the flag does."""
    ready_wait_s: float = READY_WAIT_S

    def environment(self, data_dir: Path) -> dict[str, str]:
        """The variables to start it with: the caller's own, without any ``SYRINX_*`` of the developer's shell."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("SYRINX_")}
        environ["SYRINX_DATA_DIR"] = str(data_dir)
        for name, value in self.settings.items():
            environ["SYRINX_" + name.upper()] = _as_text(value)
        return {**environ, **self.variables}


class ServerProcess:
    """A running server. Use as a context manager: ready on entry, gone on exit."""

    def __init__(self, options: ServerOptions, folder: Path) -> None:
        self.options = options
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.ws_url = f"ws://127.0.0.1:{self.port}"
        self.data_dir = folder / "data"
        self.log_path = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "the server was not started"
        return self._process.pid

    def start(self) -> ServerProcess:
        """Start it and wait until it can speak and every model was loaded or failed to.

        Raises ``RuntimeError`` with its log if that fails."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        environ = self.options.environment(self.data_dir)
        command = [sys.executable, "-m", "syrinx", "serve", "--host", "127.0.0.1"]
        if self.options.port_variable:
            environ[self.options.port_variable] = str(self.port)
        else:
            command += ["--port", str(self.port)]
        for model in self.options.models:
            command += ["--model", model]
        with self.log_path.open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ)
        try:
            self._wait_ready()
        except BaseException:  # also when the test run is interrupted: never leave a server behind
            self.stop()
            raise
        return self

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> int:
        """End it (killing it if it does not listen) and return its exit status."""
        assert self._process is not None, "the server was not started"
        if self._process.poll() is None:
            self._process.send_signal(with_signal)
        try:
            return self._process.wait(STOP_WAIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait(STOP_WAIT_S)

    def log_tail(self) -> str:
        """The end of what it wrote."""
        with contextlib.suppress(OSError):
            return self.log_path.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL_CHARS:]
        return ""

    def __enter__(self) -> ServerProcess:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _wait_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + self.options.ready_wait_s
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"The server ended with status {self._process.returncode}:\n{self.log_tail()}")
            with contextlib.suppress(httpx.TransportError):
                health = httpx.get(f"{self.url}/health", timeout=2.0, trust_env=False)
                if health.status_code == 200 and not _loading(health.json()):
                    return
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.05)
        raise RuntimeError(f"The server was not ready within {self.options.ready_wait_s:.0f} s:\n{self.log_tail()}")


def _loading(health: dict[str, Any]) -> bool:
    """Whether a model is yet to be heard of: ``/readyz`` tells of the default one only."""
    return any(model["state"] in ("starting", "restarting") for model in health["models"])


class ServerPool:
    """Starts each distinct set of options once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, ServerProcess] = {}

    def get(self, models: tuple[str, ...] = ("espeak",), **settings: Any) -> ServerProcess:
        """A ready server with these models and settings, shared with every test that asks for the same."""
        key = json.dumps([models, settings], sort_keys=True, default=str)
        if key not in self._running:
            self._running[key] = self.fresh(models, **settings).start()
        return self._running[key]

    def fresh(
        self, models: tuple[str, ...] = ("espeak",), variables: Mapping[str, str] | None = None, **settings: Any
    ) -> ServerProcess:
        """A server of the caller's own, not started yet: for tests that break or stop it."""
        folder = self._folder / f"server-{len(list(self._folder.iterdir()))}"
        folder.mkdir()
        return ServerProcess(ServerOptions(models, settings, variables or {}), folder)

    def close(self) -> None:
        for server in self._running.values():
            server.stop()
        self._running.clear()


def free_port() -> int:
    """A TCP port that was free a moment ago on the loopback address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _as_text(value: Any) -> str:
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return str(value)
