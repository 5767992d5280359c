"""One line on stderr that tells how far a long answer is; only on a terminal and only after a second."""

from __future__ import annotations

import sys
from typing import TextIO

from syrinx.core.clock import Clock, SystemClock
from syrinx.core.types import EncodedAudio

QUIET_S = 1.0
EVERY_S = 0.2


class Progress:
    """Counts bytes and, where they are known, seconds of audio."""

    def __init__(self, stream: TextIO | None = None, clock: Clock | None = None) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock or SystemClock()
        self._started = self._clock.now()
        self._next = self._started + QUIET_S
        self._shown = False
        self.size = 0
        self.audio_s = 0.0
        self.samples: int | None = None

    def add(self, size: int, audio: EncodedAudio | None = None) -> None:
        """Count one piece (``audio``: where more is known of it than its size) and show the sum if it is time."""
        self.size += size
        if audio is not None:
            self.audio_s += audio.duration_s
            self.samples = (self.samples or 0) + audio.samples
        now = self._clock.now()
        if now >= self._next and self._stream.isatty():
            self._next = now + EVERY_S
            self._shown = True
            self._stream.write(f"\r{self.summary()} in {now - self._started:.0f} s ")
            self._stream.flush()

    def summary(self) -> str:
        """How much there is so far, in words."""
        size = f"{self.size / 1000:.0f} kB" if self.size >= 1000 else f"{self.size} bytes"
        return f"{self.audio_s:.1f} s of audio, {size}" if self.audio_s else size

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            self._stream.write("\r\033[K")
            self._stream.flush()
