"""When each character of a text is heard: words' times spread over their characters, told as the audio passes them.

Pure. Characters are Python's (Unicode code points) of the text as it was sent; joined, they spell exactly that text.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from syrinx.core.types import Mark, MarkKind

_TAIL = re.compile(r"[^\w\s]*\s+")
"""What belongs to the word before it: punctuation, where white space follows, and that."""
KEPT_CHARS = 4096
"""What was timed is forgotten so many characters at once: cutting a long text after each word copies it as often."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Characters that begin within a run of audio."""

    chars: list[str]
    starts_ms: list[int]
    """Of each, ascending, counted from the first sample of the utterance."""
    end_ms: int
    """Where the last one ends: with the audio."""
    since_ms: int
    """Where the characters told before end; 0 where these are the first."""
    estimated: bool
    """Times of a word among them were derived from lengths and not reported by the model."""

    @property
    def durations_ms(self) -> list[int]:
        """Each lasts until the next one begins."""
        return [end - start for start, end in zip(self.starts_ms, [*self.starts_ms[1:], self.end_ms], strict=True)]


class CharacterClock:
    """One utterance. Text and marks come in before the audio that speaks them; ``pass_audio`` gives what it covers."""

    def __init__(self) -> None:
        self._text = ""
        self._next = 0
        """Index in ``_text`` of the first character that was not timed."""
        self._origin = 0
        """Where ``_text`` begins in the utterance: what was timed long ago is forgotten."""
        self._timed: deque[tuple[str, float, bool]] = deque()
        """Characters that were timed and not told: which, when (s), whether that is an estimate."""
        self._word_end_s = 0.0
        self._last_start_s = 0.0
        self._audio_s = 0.0
        self._told_ms = 0

    def add_text(self, text: str) -> None:
        """More of the utterance's text."""
        self._text += text

    def add_marks(self, marks: Iterable[Mark]) -> None:
        """Note when words are heard; other marks say nothing of characters."""
        for mark in marks:
            if mark.kind is MarkKind.WORD and mark.span.end > self._origin + self._next:
                self._add_word(mark)

    def pass_audio(self, seconds: float) -> Heard | None:
        """So much more audio is handed over: return the characters that begin in it, or before it and were not told;
        None where none do."""
        self._audio_s += seconds
        count = next((i for i, (_, start, _) in enumerate(self._timed) if start >= self._audio_s), len(self._timed))
        return self._tell(count)

    @property
    def audio_ms(self) -> int:
        """How much audio was handed over; the last character lasts until its end."""
        return round(1000 * self._audio_s)

    def finish(self) -> Heard | None:
        """All audio was handed over: return the rest of the text, None where there is none. What no word was told of
        falls on the end."""
        self._time(len(self._text), self._audio_s, self._audio_s, True)
        return self._tell(len(self._timed))

    def _add_word(self, mark: Mark) -> None:
        self._time(mark.span.start - self._origin, self._word_end_s, mark.start_s, mark.estimated)
        self._time(mark.span.end - self._origin, mark.start_s, mark.end_s, mark.estimated)
        self._word_end_s = max(mark.end_s, self._last_start_s)
        tail = _TAIL.match(self._text, self._next)
        if tail is not None:
            self._time(tail.end(), self._word_end_s, self._word_end_s, mark.estimated)

    def _time(self, until: int, start_s: float, end_s: float, estimated: bool) -> None:
        """Spread the characters up to that index evenly over a time. They begin no earlier than those before them."""
        chars = self._text[self._next : max(0, until)]
        for index, char in enumerate(chars):
            at = start_s + (end_s - start_s) * index / len(chars)
            self._last_start_s = max(at, self._last_start_s)
            self._timed.append((char, self._last_start_s, estimated))
        self._next += len(chars)
        if self._next > KEPT_CHARS:
            self._text, self._origin, self._next = self._text[self._next :], self._origin + self._next, 0

    def _tell(self, count: int) -> Heard | None:
        if not count:
            return None
        told = [self._timed.popleft() for _ in range(count)]
        since_ms, end_ms = self._told_ms, self.audio_ms
        starts = [min(max(round(1000 * start), since_ms), end_ms) for _, start, _ in told]
        self._told_ms = end_ms
        estimated = any(derived for _, _, derived in told)
        return Heard([char for char, _, _ in told], starts, end_ms, since_ms, estimated)
