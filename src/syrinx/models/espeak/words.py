"""espeak-ng's word events to marks. Pure.

A word ends where the next one begins, so each is held until that is known.
"""

from __future__ import annotations

from syrinx.core.types import Mark, MarkKind, Span

from .binding import WordEvent


class WordMarks:
    """Collects word events in the order of the audio and gives marks that are ordered and lie within the text."""

    def __init__(self, text_length: int, sample_rate: int) -> None:
        self._text_length = text_length
        self._sample_rate = sample_rate
        self._open: tuple[Span, int] | None = None

    @property
    def open_since(self) -> int | None:
        """The sample at which the word began whose end is not known yet; None: there is no such word."""
        return None if self._open is None else self._open[1]

    def add(self, event: WordEvent) -> Mark | None:
        """Take the next event; return the mark that it completes, if any.

        One written word may be several spoken ones (numbers, emoji): events that do not move forward in the text
        belong to the word before them.
        """
        start = event.position - 1
        if not 0 <= start < self._text_length or (self._open is not None and start <= self._open[0].start):
            return None
        done = self._finish(event.sample, start)
        self._open = (Span(start, min(start + max(event.length, 1), self._text_length)), event.sample)
        return done

    def end(self, sample: int) -> Mark | None:
        """The audio is over, ``sample`` long: return the last mark."""
        done = self._finish(sample, self._text_length)
        self._open = None
        return done

    def _finish(self, sample: int, text_limit: int) -> Mark | None:
        if self._open is None:
            return None
        span, began = self._open
        span = Span(span.start, min(span.end, text_limit))
        return Mark(MarkKind.WORD, span, began / self._sample_rate, max(sample, began) / self._sample_rate)
