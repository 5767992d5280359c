"""``[word](/phonemes/)``: a word whose phonemes the author gives. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from syrinx.core.types import Span

VERBATIM = r"\[[^\[\]()]{1,60}\]\(/[^/()\[\]]{1,60}/\)"
"""Regular expression of it; never longer than what ``text.verbatim`` protects (128 characters)."""

_MARKUP = re.compile(r"\[([^\[\]()]{1,60})\]\(/([^/()\[\]]{1,60})/\)")


@dataclass(frozen=True, slots=True)
class Given:
    """A word with its phonemes."""

    span: Span
    """In ``Plain.text``."""
    phonemes: str


@dataclass(frozen=True, slots=True)
class Plain:
    """A text without its markup."""

    text: str
    given: tuple[Given, ...]
    shifts: tuple[tuple[int, int], ...]
    """(offset in ``text`` from which it holds, what is added to come to the offset in the source), ascending."""

    def source(self, span: Span) -> Span:
        """Offsets in ``text`` to offsets in the source; ``span`` is within a word."""
        shift = 0
        for start, added in self.shifts:
            if start > span.start:
                break
            shift = added
        return Span(span.start + shift, span.end + shift)


def parse(source: str) -> Plain:
    """Take the markup out."""
    text, at = "", 0
    given: list[Given] = []
    shifts: list[tuple[int, int]] = []
    for match in _MARKUP.finditer(source):
        text += source[at : match.start()]
        word = match[1]
        given.append(Given(Span(len(text), len(text) + len(word)), match[2].strip()))
        shifts.append((len(text), match.start(1) - len(text)))
        text += word
        at = match.end()
        shifts.append((len(text), at - len(text)))
    return Plain(text + source[at:], tuple(given), tuple(shifts))
