"""Where the listener is: what was handed over when tells when the buffer ran dry and what has been heard. Pure.

The listener is taken to play from the moment of the first audio, without pause but where nothing was left to play.
"""

from __future__ import annotations

from collections.abc import Sequence

from syrinx.core.types import Mark


class Playhead:
    """One utterance as it is heard. Times are seconds of one clock, passed in."""

    def __init__(self) -> None:
        self._started_at: float | None = None
        self._delivered_s = 0.0
        self.underruns = 0
        self.underrun_s = 0.0

    @property
    def delivered_s(self) -> float:
        return self._delivered_s

    def deliver(self, now: float, seconds: float) -> None:
        """Note that ``seconds`` of audio were handed over at ``now``."""
        if seconds <= 0:
            return
        if self._started_at is None:
            self._started_at = now
        else:
            late_s = now - (self._started_at + self.underrun_s + self._delivered_s)
            if late_s > 0:
                self.underruns += 1
                self.underrun_s += late_s
        self._delivered_s += seconds

    def heard_s(self, now: float) -> float:
        """Seconds of audio played by ``now``, at most what was handed over."""
        if self._started_at is None:
            return 0.0
        return min(self._delivered_s, max(0.0, now - self._started_at - self.underrun_s))


def heard_until(marks: Sequence[Mark], heard_s: float) -> int:
    """Return the original-text offset after the last mark that began before ``heard_s``; 0 before the first."""
    return max((mark.span.end for mark in marks if mark.start_s < heard_s), default=0)
