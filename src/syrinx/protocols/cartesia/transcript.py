"""What was sent to a context and where its words and its flushes are. Pure.

Offsets are Python's (Unicode code points) of the text as it was sent, all of it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from syrinx.core.types import Mark, MarkKind
from syrinx.text.rules.clean import SPEAKABLE
from syrinx.text.words import word_end

KEPT_CHARS = 4096
"""What was spoken is forgotten so many characters at once: cutting a long text after each sentence copies it as
often."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it was written, with the punctuation on it, and when it is heard."""

    text: str
    start_s: float
    end_s: float
    estimated: bool
    """The times were derived from lengths and not reported by the model."""


class Transcript:
    """The text of one context."""

    def __init__(self) -> None:
        self._text = ""
        self._origin = 0
        """Where ``_text`` begins: what was spoken long ago is forgotten."""
        self._told = 0
        """Up to here words were told."""
        self._spoken = 0
        """Up to here all audio was handed over."""
        self._flushes: deque[int] = deque()
        """Ends of the texts that were flushed and are not all spoken."""
        self._last_flush = 0
        self.flush_id = 1
        """Of the audio that is handed over now: one more than flushes that are done."""

    @property
    def chars(self) -> int:
        """Characters sent so far."""
        return self._origin + len(self._text)

    def add(self, text: str) -> None:
        """More text."""
        self._text += text

    def words(self, marks: Iterable[Mark]) -> list[Word]:
        """The words that these marks are of. What is spoken as several words, such as ``$5``, is told once."""
        told: list[Word] = []
        for mark in marks:
            if mark.kind is MarkKind.WORD and mark.span.end > self._told:
                told.append(self._word(mark))
        return told

    def _word(self, mark: Mark) -> Word:
        begin = max(mark.span.start, self._told)
        before = self._slice(self._told, begin)
        if before and not before[-1].isspace():
            begin -= len(before.split()[-1])  # an opening bracket or quotation mark
        self._told = self._origin + word_end(self._text, mark.span.end - self._origin)
        return Word(self._slice(begin, self._told).strip(), mark.start_s, mark.end_s, mark.estimated)

    # --- flushes ---------------------------------------------------------------------------------------------------

    def flush(self) -> list[int]:
        """A flush of all that was sent; one with nothing new to flush does not count. Returns the ids of the flushes
        that are done with this."""
        if self.chars > self._last_flush:
            self._last_flush = self.chars
            self._flushes.append(self.chars)
        return self._done()

    def begin(self, offset: int) -> list[int]:
        """Audio of the text from ``offset`` on is handed over. Returns the ids of the flushes that are done before."""
        ids: list[int] = []
        while self._flushes and self._flushes[0] <= offset:
            ids.append(self._take())
        return ids

    def end(self, offset: int) -> list[int]:
        """All audio of the text up to ``offset`` was handed over. Returns the ids of the flushes done with this."""
        self._spoken = max(self._spoken, offset)
        ids = self._done()
        if self._spoken - self._origin > KEPT_CHARS:
            self._text, self._origin = self._text[self._spoken - self._origin :], self._spoken
        return ids

    def finish(self) -> list[int]:
        """Nothing more is spoken. Returns the ids of the flushes that are left."""
        return [self._take() for _ in range(len(self._flushes))]

    def _done(self) -> list[int]:
        ids: list[int] = []
        while self._flushes and not SPEAKABLE.search(self._slice(self._spoken, self._flushes[0])):
            self._spoken = max(self._spoken, self._flushes[0])
            ids.append(self._take())
        return ids

    def _take(self) -> int:
        self._flushes.popleft()
        self.flush_id += 1
        return self.flush_id - 1

    def _slice(self, start: int, end: int) -> str:
        return self._text[max(0, start - self._origin) : max(0, end - self._origin)]
