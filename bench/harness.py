"""What every measure needs: a server of its own, figures from its process and its metrics, percentiles."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import psutil

HOST = "127.0.0.1"
READY_WAIT_S = 60.0
READY_POLL_S = 0.01
STOP_WAIT_S = 30.0
SOCKET_PATH = "/v1/audio/speech/stream/ws"
SPEECH_PATH = "/v1/audio/speech"
RATE = 24_000
"""Hertz of PCM on both protocols."""
AUDIBLE = 33
"""Of int16: the first whole step above -60 dBFS (32768 / 1000 = 32.8)."""


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """How to start a server. ``settings`` are field names of ``syrinx.config.Settings``."""

    model: str
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the model."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    """Further models."""
    ready_wait_s: float = READY_WAIT_S
    """Longest start."""

    def environment(self, data_dir: Path) -> dict[str, str]:
        """The caller's variables without any ``SYRINX_*`` of its own, plus this plan's."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("SYRINX_")}
        environ["SYRINX_DATA_DIR"] = str(data_dir)
        environ["SYRINX_MODEL_OPTIONS"] = json.dumps({self.model: dict(self.options)})
        return environ | {f"SYRINX_{name.upper()}": str(value) for name, value in self.settings.items()}


class Server:
    """``syrinx serve`` in a process of its own. A context manager: ready on entry, gone on exit."""

    def __init__(self, plan: ServerPlan, folder: Path) -> None:
        self.plan = plan
        self.port = free_port()
        self.ready_s = 0.0
        """From the start of the process to the first 200 of ``/readyz``."""
        self._folder = folder / f"server-{self.port}"
        self._process: psutil.Popen | None = None

    @property
    def ws_url(self) -> str:
        return f"ws://{HOST}:{self.port}{SOCKET_PATH}"

    @property
    def process(self) -> psutil.Popen:
        assert self._process is not None, "the server was not started"
        return self._process

    def __enter__(self) -> Server:
        self._folder.mkdir(parents=True)
        command = [sys.executable, "-m", "syrinx", "serve", "--host", HOST, "--port", str(self.port)]
        for model in (self.plan.model, *self.plan.also):
            command += ["--model", model]
        environ = self.plan.environment(self._folder / "data")
        began = time.perf_counter()
        with (self._folder / "log").open("wb") as log:
            self._process = psutil.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ)
        try:
            self._wait_ready(began)
        except BaseException:  # also on Ctrl-C: never leave a server behind
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop()

    def get(self, path: str) -> tuple[int, str]:
        """GET on a connection of its own; raises ``OSError`` while nothing listens."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def cpu_s(self) -> float:
        """Processor seconds of the server process so far, its workers not counted."""
        times = self.process.cpu_times()
        return times.user + times.system

    def rss_mb(self) -> float:
        """Resident megabytes (10^6 bytes) of the server process, its workers not counted."""
        return self.process.memory_info().rss / 1e6

    def worker_rss_mb(self) -> list[float]:
        """Likewise of each process below it."""
        return [child.memory_info().rss / 1e6 for child in self.process.children(recursive=True)]

    def _wait_ready(self, began: float) -> None:
        while time.perf_counter() - began < self.plan.ready_wait_s:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                if self.get("/readyz")[0] == 200:
                    self.ready_s = time.perf_counter() - began
                    return
            time.sleep(READY_POLL_S)
        log = (self._folder / "log").read_text(errors="replace")[-3000:]
        raise RuntimeError(f"The server ({self.plan.model}) did not become ready:\n{log}")

    def _stop(self) -> None:
        process = self.process
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_WAIT_S)
        except psutil.TimeoutExpired:
            for each in [*process.children(recursive=True), process]:
                each.kill()
            process.wait(STOP_WAIT_S)


def free_port() -> int:
    """A TCP port that was free a moment ago on the loopback address."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def percentile(values: Sequence[float], percent: float) -> float:
    """The linearly interpolated percentile (0 to 100) of at least one value."""
    return float(np.percentile(np.asarray(values), percent))


def ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def has_audible(pcm: bytes) -> bool:
    """Is there a sample above -60 dBFS in 16-bit little-endian PCM?"""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.int32)
    return bool((np.abs(samples) >= AUDIBLE).any())
