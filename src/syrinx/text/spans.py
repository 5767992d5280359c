"""Spoken text and the way back to what was written: a short list of runs, whatever rewrites lay between."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple

from syrinx.core.types import Span


class Run(NamedTuple):
    """Spoken [start, end) comes from written [source_start, source_end)."""

    start: int
    end: int
    source_start: int
    source_end: int
    exact: bool
    """True: character by character (both are equally long); False: all of it stands for all of the written span."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Normalised text and its map. Runs are in order, cover ``text`` without gaps and never step back in the source."""

    text: str
    runs: tuple[Run, ...]
    is_rewritten: bool = True
    """False: nothing was replaced or removed."""

    @classmethod
    def unchanged(cls, text: str) -> Spoken:
        """Text spoken as it is written."""
        return cls(text, (Run(0, len(text), 0, len(text), True),) if text else (), is_rewritten=False)

    def source_span(self, span: Span) -> Span:
        """Written span that the spoken ``span`` stands for.

        Total and monotone: offsets are clamped to the text, a backward span is taken as empty, and an empty span gives
        an empty one at the place where its text would begin.
        """
        start = min(max(span.start, 0), len(self.text))
        end = min(max(span.end, start), len(self.text))
        if not self.runs:
            return Span(0, 0)
        first = self._run_at(start)
        begin = self._source_of(first, start)
        if end == start:
            return Span(begin, begin)
        last = self._run_at(end - 1)
        return Span(begin, last.source_start + end - last.start if last.exact else last.source_end)

    def after(self, earlier: Spoken) -> Spoken:
        """This rewrite of ``earlier.text``, mapped to what ``earlier`` was written as."""
        if not earlier.is_rewritten:
            return self
        if not self.is_rewritten:
            return earlier
        runs: list[Run] = []
        for run in self.runs:
            runs.extend(_through(run, earlier))
        return Spoken(self.text, tuple(runs))

    def part(self, span: Span) -> Spoken:
        """The spoken ``span`` alone, mapped to the same written text; a replaced run maps to all it stood for."""
        runs = []
        for run in self.runs:
            start, end = max(run.start, span.start), min(run.end, span.end)
            if start >= end:
                continue
            source = (run.source_start, run.source_end)
            if run.exact:
                source = (run.source_start + start - run.start, run.source_start + end - run.start)
            runs.append(Run(start - span.start, end - span.start, *source, run.exact))
        return Spoken(self.text[span.start : span.end], tuple(runs))

    def index_at(self, place: int) -> int:
        """Index of the run that holds the spoken offset ``place`` (the last one at the end of the text)."""
        return max(bisect_right(self.runs, place, key=lambda run: run.start) - 1, 0)

    def _run_at(self, place: int) -> Run:
        return self.runs[self.index_at(place)]

    def _source_of(self, run: Run, place: int) -> int:
        if run.exact:
            return run.source_start + place - run.start
        return run.source_start if place < run.end else run.source_end


def _through(run: Run, earlier: Spoken) -> list[Run]:
    """``run`` of a later rewrite, with its source moved through ``earlier``."""
    if not run.exact:
        span = earlier.source_span(Span(run.source_start, run.source_end))
        return [Run(run.start, run.end, span.start, span.end, False)]
    shift = run.start - run.source_start
    found = []
    for index in range(earlier.index_at(run.source_start), len(earlier.runs)):
        part = earlier.runs[index]
        start, end = max(part.start, run.source_start), min(part.end, run.source_end)
        if start >= end:
            break
        source = part.source_start + start - part.start
        if part.exact:
            found.append(Run(start + shift, end + shift, source, source + end - start, True))
        else:
            found.append(Run(start + shift, end + shift, part.source_start, part.source_end, False))
    return found
