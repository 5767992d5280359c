"""``logs/metrics.log``: a JSON line per utterance, written by a thread so that a slow disk delays nobody."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import structlog

from syrinx.engine.record import UtteranceRecord

GATHER_S = 0.2
"""From the first line that waits to the write. A thread that woke for each line cost the server 0.5 ms of them
(measured), because only one thread at a time has the interpreter."""
MAX_WAITING = 10_000
"""Lines that may wait for the disk; more are dropped, and their number is logged."""
MAX_BYTES = 64 * 1024 * 1024
"""A file this long is moved to ``metrics.log.1`` (about 300,000 utterances) and a new one begun."""
CLOSE_S = 2.0
"""Longest wait for the disk at the end."""


class MetricsLog:
    """Takes records at once. Use from one thread."""

    def __init__(self, path: Path, wall_clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._wall_clock = wall_clock
        self._lines: queue.Queue[bytes | None] = queue.Queue(MAX_WAITING)
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._dropped = 0

    def utterance_ended(self, record: UtteranceRecord) -> None:
        """Queue the record's line."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._write, name="syrinx-metrics-log", daemon=True)
            self._thread.start()
        try:
            self._lines.put_nowait(msgspec.json.encode(metrics_line(record, self._wall_clock())) + b"\n")
        except queue.Full:
            self._dropped += 1

    def close(self) -> None:
        """Write what waits, at most ``CLOSE_S`` long. Idempotent."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._closing.set()
        try:
            self._lines.put(None, timeout=CLOSE_S)
            thread.join(CLOSE_S)
        except queue.Full:
            pass  # the disk hangs; the thread is a daemon and dies with the process
        if self._dropped:
            structlog.get_logger("syrinx.server").warning("metrics_lines_dropped", count=self._dropped)

    def _write(self) -> None:
        while True:
            lines = [self._lines.get()]
            self._closing.wait(GATHER_S)
            while not self._lines.empty():
                lines.append(self._lines.get())
            try:
                self._append(deque(line for line in lines if line is not None))
            except OSError as error:  # a full or missing disk must not end the thread
                structlog.get_logger("syrinx.server").warning("metrics_log_failed", error=str(error))
            if None in lines:
                return

    def _append(self, lines: deque[bytes]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        while lines:
            with self._path.open("ab") as file:
                while lines and file.tell() < MAX_BYTES:
                    file.write(lines.popleft())
                size = file.tell()
            if size >= MAX_BYTES:
                os.replace(self._path, self._path.with_name(self._path.name + ".1"))


def metrics_line(record: UtteranceRecord, ts: float) -> dict[str, Any]:
    """The nine keys of the first realtime server's log, and how it ended.

    ``ts`` in Unix seconds, ``rtf`` = wall / audio, ``xrt`` = audio / wall, ``kbps`` in KiB of audio a second.
    """
    wall_s, audio_s = record.wall_s, record.audio_s
    return {
        "ts": round(ts, 3),
        "request_id": record.utterance_id,
        "ttfb_ms": None if record.ttfa_s is None else round(record.ttfa_s * 1000, 3),
        "wall_s": round(wall_s, 6),
        "audio_s": round(audio_s, 6),
        "rtf": round(wall_s / audio_s, 6) if audio_s else None,
        "xrt": round(audio_s / wall_s, 6) if wall_s else None,
        "kbps": round(record.audio_bytes / 1024 / wall_s, 3) if wall_s else None,
        "canceled": record.outcome == "canceled",
        "outcome": record.outcome,
    }
