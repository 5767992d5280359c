"""Marks of one segment: from spoken text and job time into original text and delivered time.

Where a model reports no word times, an estimate proportional to the text is made and flagged as such. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from syrinx.core.types import Mark, MarkKind, Span
from syrinx.text.front import Prepared

_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class SegmentClock:
    """Job time to delivered time: ``starts_s + job_s * scale``; 0 where silence before the first sound was cut."""

    starts_s: float
    scale: float

    def at(self, job_s: float) -> float:
        return max(0.0, self.starts_s + job_s * self.scale)


def map_marks(marks: Iterable[Mark], prepared: Prepared, clock: SegmentClock) -> tuple[Mark, ...]:
    """Move a backend's marks into original-text offsets and delivered time."""
    return tuple(
        Mark(
            mark.kind,
            prepared.source_span(mark.span),
            clock.at(mark.start_s),
            clock.at(mark.end_s),
            mark.estimated,
            mark.name,
        )
        for mark in marks
    )


class WordEstimate:
    """Word marks of one segment for a model that reports none, handed out as its audio passes them."""

    def __init__(self, spoken: str, seconds_per_char: float) -> None:
        self._pace = seconds_per_char
        self._words = [Span(*match.span()) for match in _WORD.finditer(spoken)]
        self._next = 0

    def until(self, job_s: float) -> list[Mark]:
        """Marks of the words that are taken to begin before ``job_s`` and were not handed out yet."""
        first = self._next
        while self._next < len(self._words) and self._words[self._next].start * self._pace < job_s:
            self._next += 1
        return [self._mark(span) for span in self._words[first : self._next]]

    def rest(self, job_s: float) -> list[Mark]:
        """The marks left when the segment turned out to end at ``job_s``: they fall on its end."""
        words = self._words[self._next :]
        self._next = len(self._words)
        return [Mark(MarkKind.WORD, span, job_s, job_s, estimated=True) for span in words]

    def _mark(self, span: Span) -> Mark:
        return Mark(MarkKind.WORD, span, span.start * self._pace, span.end * self._pace, estimated=True)
