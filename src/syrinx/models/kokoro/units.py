"""What is spoken, as data: a text's phonemes in small units, each knowing the word it stands for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from syrinx.core.types import Span


@dataclass(frozen=True, slots=True)
class Unit:
    """A word's or a sign's phonemes. Text may be cut after a unit that is ``spaced``."""

    phonemes: str
    """In the model's own alphabet, a character each."""
    span: Span | None = None
    """The word in the job's text; None: no word. Units of one word follow each other and have the same."""
    spaced: bool = False
    """A space follows."""


Reader = Callable[[str], list[Unit]]
"""Written text of one language to units."""


_UNSPEAKABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]|\\s")
"""Control characters (NUL ends a C string), lone surrogates (which UTF-8 cannot carry) and spaces of all kinds."""


def cleaned(text: str) -> str:
    """The text with plain spaces for what no reader takes, one for one, so that places in it stay true."""
    return _UNSPEAKABLE.sub(" ", text)


def speakable(units: Iterable[Unit], alphabet: frozenset[str]) -> list[Unit]:
    """Keep what the model has a sign for; what is left without any gives its space to the unit before it."""
    kept: list[Unit] = []
    for unit in units:
        phonemes = " ".join("".join(c for c in unit.phonemes if c in alphabet).split())
        if phonemes:
            kept.append(replace(unit, phonemes=phonemes))
        elif kept and unit.spaced:
            kept[-1] = replace(kept[-1], spaced=True)
    return kept


def split_long(units: Iterable[Unit], most: int) -> Iterator[Unit]:
    """Break units of more than ``most`` phonemes (a number read out, letters spelled), at a space if there is one."""
    for unit in units:
        rest = unit.phonemes
        while len(rest) > most:
            space = rest.rfind(" ", 1, most + 1)
            at = space if space > 0 else most
            yield Unit(rest[:at], unit.span, spaced=space > 0)
            rest = rest[at:].lstrip()
        if rest:
            yield replace(unit, phonemes=rest)


def word_span(text: str, start: int, end: int) -> Span | None:
    """The word in [start, end) without the signs around it; None: there are only signs."""
    inside = [n for n in range(start, end) if unicodedata.category(text[n])[0] in "LNM"]
    return Span(inside[0], inside[-1] + 1) if inside else None
