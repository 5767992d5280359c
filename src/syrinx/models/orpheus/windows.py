"""Which frames are decoded together, and which of them are kept. Pure.

A frame sounds into 2.3 frames on either side (measured on the codec's architecture: true of any weights). So with 3
frames of context on both sides a piece is what one decoding of everything gives; with 2 ahead it is within 3e-4 of it.
The first piece is small and takes the shorter look-ahead, for latency; pieces then double up to the hop.
"""

from __future__ import annotations

from dataclasses import dataclass

EXACT_CONTEXT = 3
"""Frames on a side beyond which nothing is heard of a frame."""


@dataclass(frozen=True, slots=True)
class Window:
    """Frames [lo, hi) are decoded, and the sound of frames [start, end) is kept: lo <= start < end <= hi."""

    lo: int
    hi: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class WindowPolicy:
    """Counts are of codec frames (85.3 ms)."""

    first: int = 1
    """Kept of the first window."""
    first_ahead: int = 2
    hop: int = 4
    """Kept of a window at most."""
    ahead: int = EXACT_CONTEXT
    behind: int = EXACT_CONTEXT


class Planner:
    """Windows of one job, in order; each frame is kept exactly once."""

    def __init__(self, policy: WindowPolicy) -> None:
        self._policy = policy
        self._size = policy.first
        self.kept = 0
        """Frames that were given out."""

    def due(self, frames: int, final: bool) -> Window | None:
        """The next window, where ``frames`` of them are there and, if ``final``, no more come; None: wait, or over."""
        ahead = self._policy.ahead if self.kept else self._policy.first_ahead
        end = self.kept + self._size
        if final:
            end = min(end, frames)
        elif frames < end + ahead:
            return None
        if end <= self.kept:
            return None
        window = Window(max(0, self.kept - self._policy.behind), min(frames, end + ahead), self.kept, end)
        self.kept, self._size = end, min(2 * self._size, self._policy.hop)
        return window
