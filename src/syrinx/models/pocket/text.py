"""A job's text as what the model is given: passes of at most 50 tokens, each of which starts from the voice again.

How text is prepared and where sentences are cut is the library's, for its models were trained so: it comes in as
functions.
Pure.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

MOST_TOKENS = 50
"""Of a pass; ``MAX_TOKEN_PER_CHUNK`` of pocket-tts 4.0.1: past it words are skipped."""
FRAMES_MORE = 2
"""Codec frames that pocket-tts 4.0.1 adds to its guess of how long the last sound takes (``generate_audio_stream``)."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What the model speaks in one go."""

    tokens: tuple[int, ...]
    frames_after_eos: int


@dataclass(frozen=True, slots=True)
class TextFront:
    """From text to passes."""

    prepare: Callable[[str], tuple[str, int]]
    """Text as the model wants it, and its guess of the codec frames after the end; ``ValueError``: nothing is left."""
    split: Callable[[str], list[str]]
    """Cut at sentences, and long ones at commas, into pieces of ``MOST_TOKENS`` where that is possible."""
    encode: Callable[[str], list[int]]

    def passes(self, text: str) -> list[Pass]:
        """Plan a text; empty when there is nothing in it that the model could speak."""
        text = clean(text)
        whole = self._pass(text)
        if whole is None:
            return []
        if len(whole.tokens) <= MOST_TOKENS:
            return [whole]
        return list(self._fit(self.split(text)))

    def _pass(self, text: str) -> Pass | None:
        try:
            prepared, frames = self.prepare(text)
        except ValueError:
            return None
        tokens = tuple(self.encode(prepared))
        return Pass(tokens, frames + FRAMES_MORE) if tokens else None

    def _fit(self, pieces: list[str]) -> Iterator[Pass]:
        for piece in pieces:
            one = self._pass(piece)
            if one is None:
                continue
            if len(one.tokens) > MOST_TOKENS and len(piece) > 1:
                yield from self._fit(halves(piece))
            else:
                yield one


def clean(text: str) -> str:
    """Text without what tokenizers choke on: halves of surrogate pairs and control characters; both become spaces."""
    return "".join(" " if unicodedata.category(sign) in ("Cs", "Cc") else sign for sign in text).strip()


def halves(text: str) -> list[str]:
    """Cut at the space that is nearest to the middle; in the middle where there is none."""
    middle = len(text) // 2
    left, right = text.rfind(" ", 1, middle + 1), text.find(" ", middle, len(text) - 1)
    spaces = [place for place in (left, right) if place > 0]
    cut = min(spaces, key=lambda place: abs(place - middle)) if spaces else middle
    return [text[:cut], text[cut:]]
