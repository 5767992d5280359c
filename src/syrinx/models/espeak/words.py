"""espeak-ng's word events to marks. Pure.

A word ends where the next one begins, so each is held until that is known.
"""

from __future__ import annotations

import unicodedata

from syrinx.core.types import Mark, MarkKind, Span

from .binding import WordEvent

LETTERS = "LNM"
"""Unicode's categories of letters, digits and the marks upon them by their first letter."""


class WordMarks:
    """Collects word events in the order of the audio and gives marks that are ordered and lie within the text."""

    def __init__(self, text: str, sample_rate: int) -> None:
        self._text = text
        self._sample_rate = sample_rate
        self._open: tuple[Span, int] | None = None

    @property
    def open_since(self) -> int | None:
        """The sample at which the word began whose end is not known yet; None: there is no such word."""
        return None if self._open is None else self._open[1]

    def add(self, event: WordEvent) -> Mark | None:
        """Take the next event; return the mark that it completes, if any.

        One written word may be several spoken ones (numbers, emoji): events that do not move forward in the text
        belong to the word before them. One may point at the space in front of a word, and tells the length of a word's
        first part only ("don't", "well-known"), so a word goes on to the next space or the next word.
        """
        start = self._word_at(event.position - 1)
        if start is None or (self._open is not None and start <= self._open[0].start):
            return None
        done = self._finish(event.sample, start)
        self._open = (Span(start, self._word_end(start + max(event.length, 1))), event.sample)
        return done

    def end(self, sample: int) -> Mark | None:
        """The audio is over, ``sample`` long: return the last mark."""
        done = self._finish(sample, len(self._text))
        self._open = None
        return done

    def _word_at(self, place: int) -> int | None:
        """The first place from there on that is no space; None: it lies outside the text."""
        if place < 0:
            return None
        while place < len(self._text) and self._text[place].isspace():
            place += 1
        return place if place < len(self._text) else None

    def _word_end(self, place: int) -> int:
        """The end of the word that goes on there, without the marks behind it."""
        end = place = min(place, len(self._text))
        while end < len(self._text) and not self._text[end].isspace():
            end += 1
        while end > place and unicodedata.category(self._text[end - 1])[0] not in LETTERS:
            end -= 1
        return end

    def _finish(self, sample: int, text_limit: int) -> Mark | None:
        if self._open is None:
            return None
        span, began = self._open
        span = Span(span.start, min(span.end, text_limit))
        return Mark(MarkKind.WORD, span, began / self._sample_rate, max(sample, began) / self._sample_rate)
