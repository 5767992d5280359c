"""The words of one response: told as the audio passes them, and found again for a time in the audio. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import Any

from syrinx.core.types import Mark, MarkKind
from syrinx.text.words import word_end

TAIL_S = 0.02
"""Silence at the end of a response that a listener who heard all of its words need not have heard."""


class Transcript:
    """Of a text that is known from the start. Two numbers a word are kept."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.audio_s = 0.0
        """Audio handed over, or as much of it as was kept."""
        self.told = 0
        """Characters of ``text`` that were told, or as much of it as was kept."""
        self._cut: int | None = None
        self._starts_s: list[float] = []
        self._ends: list[int] = []

    def add_marks(self, marks: Iterable[Mark]) -> None:
        """Note when words are heard; other marks say nothing of them."""
        for mark in marks:
            if mark.kind is MarkKind.WORD:
                self._note(mark.start_s, mark.span.end)

    def pass_audio(self, seconds: float) -> str:
        """So much more audio is handed over: return the words that begin in it and were not told."""
        self.audio_s += seconds
        return self._tell(self.until(self.audio_s))

    def finish(self) -> str:
        """All of it was spoken: return what was not told."""
        self._note(max(0.0, self.audio_s - TAIL_S), len(self.text))
        return self._tell(len(self.text))

    def until(self, seconds: float) -> int:
        """Where the last word ends that began before that time, the marks that close it included; 0: none began."""
        began = bisect_left(self._starts_s, seconds)
        return word_end(self.text, self._ends[began - 1]) if began else 0

    def end_s(self, offset: int) -> float:
        """When what ends at that place of the text has been heard: where the next word begins, or the audio ends."""
        following = bisect_right(self._ends, offset)
        return self._starts_s[following] if following < len(self._starts_s) else self.audio_s

    def cut(self, seconds: float) -> None:
        """Forget what comes after that time: it was not heard."""
        self.audio_s, self._cut = seconds, self.until(seconds)
        self.told = min(self.told, self._cut)

    def heard(self, offset: int = 0) -> dict[str, Any]:
        """What is told of an interruption: the text up to where it was cut, else to the word that ends at ``offset``,
        was heard."""
        until = word_end(self.text, offset) if self._cut is None else self._cut
        return {"spoken_until": until, "heard": self.text[:until], "remaining": self.text[until:]}

    def _note(self, at_s: float, end: int) -> None:
        """Times and places never fall."""
        self._starts_s.append(max(at_s, self._starts_s[-1]) if self._starts_s else at_s)
        self._ends.append(max(end, self._ends[-1]) if self._ends else end)

    def _tell(self, until: int) -> str:
        delta, self.told = self.text[self.told : until], max(self.told, until)
        return delta
