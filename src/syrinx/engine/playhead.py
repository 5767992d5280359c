"""Where the listener is: what was handed over when tells when the buffer ran dry and what has been heard. Pure.

The listener is taken to play from the moment of the first audio, without pause but where nothing was left to play.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable

from syrinx.core.types import Mark, MarkKind


class Player:
    """What one listener plays with: utterance after utterance. Times are seconds of one clock."""

    def __init__(self) -> None:
        self.busy_until = -math.inf
        """When all that was handed over so far will have been heard."""


class Playhead:
    """One utterance as it is heard. ``player``: shared with the utterances that are heard before it; None: its own.

    Times are seconds of one clock, passed in. It begins to be heard when the utterance before it has been.
    """

    def __init__(self, player: Player | None = None) -> None:
        self._player = player or Player()
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
            self._started_at = max(now, self._player.busy_until)
        late_s = now - (self._started_at + self.underrun_s + self._delivered_s)
        if late_s > 0:
            self.underruns += 1
            self.underrun_s += late_s
        self._delivered_s += seconds
        self._player.busy_until = self._started_at + self.underrun_s + self._delivered_s

    def drop(self, now: float) -> None:
        """The listener throws away what it has not heard of this utterance: the next one is heard at once."""
        if self._started_at is not None:
            self._player.busy_until = min(self._player.busy_until, max(now, self._started_at))

    def heard_s(self, now: float) -> float:
        """Seconds of audio played by ``now``, at most what was handed over."""
        if self._started_at is None:
            return 0.0
        return min(self._delivered_s, max(0.0, now - self._started_at - self.underrun_s))


TAIL_S = 0.02
"""Silence and fade at a segment's end that a listener who stops there need not have heard."""


class Reading:
    """Which text is spoken when, as told by marks: finds the place in the text for a time in the audio.

    Two numbers a word, because an utterance may have tens of thousands.
    """

    def __init__(self) -> None:
        self._starts_s: list[float] = []
        self._ends: list[int] = []

    def add(self, marks: Iterable[Mark]) -> None:
        """Note words in original text and delivered time. One that begins before those noted counts as with them; a
        mark of another kind says nothing of how far the listener is."""
        for mark in marks:
            if mark.kind is MarkKind.WORD:
                self._note(mark.start_s, mark.span.end)

    def pass_segment(self, at_s: float, end: int) -> None:
        """A segment's audio ends at that delivered time, its text at that offset: also what no mark told of was said
        by then."""
        self._note(max(0.0, at_s - TAIL_S), end)

    def until(self, heard_s: float) -> int:
        """Return the original-text offset after the last word that began before ``heard_s``; 0 before the first."""
        began = bisect_left(self._starts_s, heard_s)
        return self._ends[began - 1] if began else 0

    def _note(self, at_s: float, end: int) -> None:
        self._starts_s.append(max(at_s, self._starts_s[-1]) if self._starts_s else at_s)
        self._ends.append(max(end, self._ends[-1]) if self._ends else end)
