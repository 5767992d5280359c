"""Audio on its way from the thread that receives it to the one that steps: one line of bytes a job."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from syrinx.core.errors import ModelFailed

SAMPLE_BYTES = 2
"""Of 16-bit PCM."""


@dataclass(slots=True)
class Incoming:
    """What has come of one job and was not taken yet. Only touched while its ``Arrivals`` are locked."""

    data: bytearray = field(default_factory=bytearray)
    received: int = 0
    """Bytes so far."""
    over: bool = False
    error: Exception | None = None

    @property
    def ready(self) -> bool:
        return self.over or len(self.data) >= SAMPLE_BYTES


class Arrivals:
    """All that is coming, and the waiting for any of it."""

    def __init__(self) -> None:
        self._news = threading.Condition()

    def put(self, incoming: Incoming, data: bytes) -> int:
        """Add to a job's audio; return the bytes that wait now."""
        with self._news:
            incoming.data += data
            incoming.received += len(data)
            self._news.notify_all()
            return len(incoming.data)

    def end(self, incoming: Incoming, error: Exception | None = None) -> None:
        """No more comes. An answer without a whole sample, or that ends within one, is broken off."""
        with self._news:
            if error is None and incoming.received % SAMPLE_BYTES:
                error = ModelFailed("The upstream broke off within a sample.")
            if error is None and not incoming.received:
                error = ModelFailed("The upstream sent no audio.")
            incoming.over, incoming.error = True, error
            self._news.notify_all()

    def wait(self, some: Sequence[Incoming], timeout_s: float) -> None:
        """Return when there is something of any of them, or after ``timeout_s``."""
        with self._news:
            self._news.wait_for(lambda: any(incoming.ready for incoming in some), timeout_s)

    def take(self, incoming: Incoming, most: int) -> tuple[bytes, bool, Exception | None]:
        """Up to ``most`` bytes in whole samples; whether that was all; and why it ended early."""
        with self._news:
            size = min(len(incoming.data), most) // SAMPLE_BYTES * SAMPLE_BYTES
            taken = bytes(incoming.data[:size])
            del incoming.data[:size]
            over = incoming.over and len(incoming.data) < SAMPLE_BYTES
            return taken, over, incoming.error if over else None
