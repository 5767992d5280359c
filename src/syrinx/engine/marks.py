"""Marks of one segment: from spoken text and job time into original text and delivered time.

Where a model reports no word times, an estimate proportional to the text is made and flagged as such. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from syrinx.core.types import Mark, MarkKind, Span
from syrinx.text.front import Prepared

_WORD = re.compile(r"\S+")


def map_marks(marks: Iterable[Mark], prepared: Prepared, heard_at: Callable[[float], float]) -> tuple[Mark, ...]:
    """Move a backend's marks into original-text offsets and delivered time.

    ``heard_at``: job time to delivered time; a mark in leading silence that was cut is heard at 0."""
    return tuple(
        Mark(
            mark.kind,
            prepared.source_span(mark.span),
            max(0.0, heard_at(mark.start_s)),
            max(0.0, heard_at(mark.end_s)),
            mark.estimated,
            mark.name,
        )
        for mark in marks
    )


class WordTimes:
    """Marks of one segment as the model reports them, handed out as its audio passes them: what is told of audio that
    is still to come would be wrong once the speed changes."""

    def __init__(self) -> None:
        self._waiting: list[Mark] = []

    def add(self, marks: Iterable[Mark]) -> None:
        self._waiting.extend(marks)

    def until(self, job_s: float) -> list[Mark]:
        """Marks that begin before ``job_s`` and were not handed out yet, in the order they were reported."""
        told = [mark for mark in self._waiting if mark.start_s < job_s]
        if told:
            self._waiting = [mark for mark in self._waiting if mark.start_s >= job_s]
        return told

    def rest(self, job_s: float) -> list[Mark]:
        """The marks left when the segment turned out to end at ``job_s``."""
        told, self._waiting = self._waiting, []
        return told


class WordEstimate:
    """Word marks of one segment for a model that reports none, handed out as its audio passes them."""

    def __init__(self, spoken: str, seconds_per_char: float) -> None:
        self._pace = seconds_per_char
        self._words = [Span(*match.span()) for match in _WORD.finditer(spoken)]
        self._next = 0

    def add(self, marks: Iterable[Mark]) -> None:
        """The model's own, where it makes some all the same, are not words."""

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
