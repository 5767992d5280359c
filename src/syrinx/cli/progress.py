"""One line on stderr that tells how far something long is; only on a terminal and only after a second."""

from __future__ import annotations

import sys
from typing import TextIO

from syrinx.core.clock import Clock, SystemClock
from syrinx.core.types import EncodedAudio

QUIET_S = 1.0
EVERY_S = 0.2
BAR_COLUMNS = 24


class StatusLine:
    """A line that is written over until it is cleared."""

    def __init__(self, stream: TextIO | None = None, clock: Clock | None = None) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock or SystemClock()
        self._started = self._clock.now()
        self._next = self._started + QUIET_S
        self._shown = False

    def show(self, text: str) -> None:
        """Show ``text`` and the seconds so far, if it is time to show anything."""
        now = self._clock.now()
        if now >= self._next and self._stream.isatty():
            self._next = now + EVERY_S
            self._shown = True
            self._stream.write(f"\r\033[K{text} in {now - self._started:.0f} s ")
            self._stream.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            self._shown = False
            self._stream.write("\r\033[K")
            self._stream.flush()


class Progress:
    """Counts bytes and, where they are known, seconds of audio."""

    def __init__(self, stream: TextIO | None = None, clock: Clock | None = None) -> None:
        self._line = StatusLine(stream, clock)
        self.size = 0
        self.audio_s = 0.0
        self.samples: int | None = None

    def add(self, size: int, audio: EncodedAudio | None = None) -> None:
        """Count one piece (``audio``: where more is known of it than its size) and show the sum if it is time."""
        self.size += size
        if audio is not None:
            self.audio_s += audio.duration_s
            self.samples = (self.samples or 0) + audio.samples
        self._line.show(self.summary())

    def summary(self) -> str:
        """How much there is so far, in words."""
        size = f"{self.size / 1000:.0f} kB" if self.size >= 1000 else f"{self.size} bytes"
        return f"{self.audio_s:.1f} s of audio, {size}" if self.audio_s else size

    def clear(self) -> None:
        """Take the line away."""
        self._line.clear()


def bar(share: float) -> str:
    """A bar that is ``share`` (0 to 1) full."""
    full = round(min(max(share, 0.0), 1.0) * BAR_COLUMNS)
    return "[" + "#" * full + "." * (BAR_COLUMNS - full) + "]"
