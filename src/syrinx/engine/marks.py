"""Marks of one segment: from spoken text and job time into original text and delivered time.

Where a model reports no word times, an estimate proportional to the text is made and flagged as such. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, groupby

from syrinx.core.types import Mark, MarkKind, Span
from syrinx.text.front import Prepared
from syrinx.text.spans import Run
from syrinx.text.words import UNSPACED, closing_end, units, weight

LONGEST_UNSPACED = 6
"""Characters of a word in a script without spaces. What is reported longer is a phrase, and cut into its characters."""
LEARNED = 3.0
"""How far a voice may be from its model's usual pace, times slower or faster: beyond that it was a pause or a fault."""


class Written:
    """Marks of one utterance in the text as the client sent it: a word each, though it be said in several."""

    def __init__(self) -> None:
        self._last = Span(-1, -1)
        """The written word that was told last."""

    def map(self, marks: Iterable[Mark], prepared: Prepared, heard_at: Callable[[float], float]) -> tuple[Mark, ...]:
        """Move a backend's marks into original-text offsets and delivered time.

        A word keeps the marks behind it ("now."). What is spoken in several words ("$5") is told with the first of
        them, its end derived from lengths where the others have not been reported. ``heard_at``: job time to delivered
        time; a mark in leading silence that was cut is heard at 0.
        """
        told = [replace(mark, span=span) for mark, span in self._written(marks, prepared)]
        return tuple(
            replace(mark, start_s=max(0.0, heard_at(mark.start_s)), end_s=max(0.0, heard_at(mark.end_s)))
            for mark in told
        )

    def _written(self, marks: Iterable[Mark], prepared: Prepared) -> Iterator[tuple[Mark, Span]]:
        for run, group in groupby(marks, lambda mark: _rewritten(mark, prepared)):
            if run is None:
                for mark in group:
                    yield mark, self._place(mark, prepared)
            else:
                span = Span(prepared.origin + run.source_start, prepared.origin + run.source_end)
                if span != self._last and span.start < span.end:
                    self._last = span
                    yield _whole(list(group), run, prepared.spoken.text), self._closed(span, prepared)

    def _place(self, mark: Mark, prepared: Prepared) -> Span:
        span = prepared.source_span(mark.span)
        return self._closed(span, prepared) if mark.kind is MarkKind.WORD else span

    def _closed(self, span: Span, prepared: Prepared) -> Span:
        """The word with the marks behind it."""
        return Span(span.start, prepared.origin + closing_end(prepared.text, span.end - prepared.origin))


def _rewritten(mark: Mark, prepared: Prepared) -> Run | None:
    """The run that a word belongs to whose text was replaced; None: it is said as it is written."""
    if mark.kind is not MarkKind.WORD or not prepared.spoken.runs:
        return None
    run = prepared.spoken.runs[prepared.spoken.index_at(mark.span.start)]
    return None if run.exact else run


def _whole(parts: Sequence[Mark], run: Run, spoken: str) -> Mark:
    """One mark for all that a run says, of those of its words that were reported, the first at least. The others are
    taken to be as fast as the segment was so far."""
    first, last = parts[0], parts[-1]
    missing = run.start + len(spoken[run.start : run.end].rstrip()) - last.span.end
    if missing <= 0:
        return replace(first, end_s=last.end_s, estimated=any(part.estimated for part in parts))
    letter_s = last.end_s / max(1, last.span.end)
    return replace(first, end_s=last.end_s + letter_s * missing, estimated=True)


class WordTimes:
    """Marks of one segment as the model reports them, handed out as its audio passes them: what is told of audio that
    is still to come would be wrong once the speed changes."""

    def __init__(self, spoken: str) -> None:
        self._spoken = spoken
        self._waiting: list[Mark] = []

    def add(self, marks: Iterable[Mark]) -> None:
        for mark in marks:
            self._waiting.extend(_phrase(mark, self._spoken))

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


def _phrase(mark: Mark, spoken: str) -> Iterator[Mark]:
    """The mark, or, of a phrase in a script without spaces, its characters, the time spread over them."""
    said = spoken[mark.span.start : mark.span.end]
    found = units(said) if mark.kind is MarkKind.WORD and UNSPACED.search(said) else []
    if len(found) <= LONGEST_UNSPACED:
        yield mark
        return
    weights = [weight(said[span.start : span.end]) for span in found]
    pace = (mark.end_s - mark.start_s) / sum(weights)
    ends = [mark.start_s + pace * passed for passed in accumulate(weights)]
    for span, start_s, end_s in zip(found, [mark.start_s, *ends], ends, strict=False):
        place = Span(mark.span.start + span.start, mark.span.start + span.end)
        yield Mark(MarkKind.WORD, place, start_s, end_s, estimated=True)


class Pace:
    """How fast the voice of one utterance is: as its model usually is, and from its second segment on as it was."""

    def __init__(self) -> None:
        self._expected_s = 0.0
        self._took_s = 0.0

    def learn(self, expected_s: float, took_s: float) -> None:
        """A segment that usually takes so long took so long."""
        self._expected_s += expected_s
        self._took_s += took_s

    @property
    def factor(self) -> float:
        """Times longer than usual."""
        if not self._expected_s:
            return 1.0
        return min(max(self._took_s / self._expected_s, 1 / LEARNED), LEARNED)


class WordEstimate:
    """Word marks of one segment for a model that reports none, handed out as its audio passes them."""

    def __init__(self, spoken: str, usual_s: float, pace: Pace) -> None:
        """``usual_s``: seconds a letter. ``pace``: of the utterance; learns from this segment when that has ended."""
        self._spoken = spoken
        self._usual_s = usual_s
        self._pace = pace
        self._words = units(spoken)
        self._times: list[tuple[float, float]] | None = None
        self._next = 0

    def add(self, marks: Iterable[Mark]) -> None:
        """The model's own, where it makes some all the same, are not words."""

    def until(self, job_s: float) -> list[Mark]:
        """Marks of the words that are taken to begin before ``job_s`` and were not handed out yet."""
        if self._times is None:
            self._times = self._guess()
        first = self._next
        while self._next < len(self._words) and self._times[self._next][0] < job_s:
            self._next += 1
        told = zip(self._words[first : self._next], self._times[first : self._next], strict=True)
        return [Mark(MarkKind.WORD, span, *ends, estimated=True) for span, ends in told]

    def rest(self, job_s: float) -> list[Mark]:
        """The marks left when the segment turned out to end at ``job_s``: they fall on its end."""
        words = self._words[self._next :]
        self._next = len(self._words)
        self._pace.learn(weight(self._spoken) * self._usual_s, job_s)
        return [Mark(MarkKind.WORD, span, job_s, job_s, estimated=True) for span in words]

    def _guess(self) -> list[tuple[float, float]]:
        """When each word begins and ends."""
        letter_s, passed, at = self._usual_s * self._pace.factor, 0, 0
        times: list[tuple[float, float]] = []
        for span in self._words:
            start = passed + weight(self._spoken[at : span.start])
            passed, at = start + weight(self._spoken[span.start : span.end]), span.end
            times.append((start * letter_s, passed * letter_s))
        return times
