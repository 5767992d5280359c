"""Which words a run of phonemes belongs to, for languages whose phonemes come without a way back. Pure.

A group is what stands between two spaces of the phonemes. Mostly there are as many as words; else (numbers read out,
small words run together) both are laid on one line by their lengths.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from syrinx.core.types import Span

from .units import Unit, word_span

SIGNS = ';:,.!?¡¿—…"“”()'
"""Signs of the model's alphabet that are no sound: pauses, and what brackets them."""

_GROUP = re.compile(rf"^([{re.escape(SIGNS)}]*)(.*?)([{re.escape(SIGNS)}]*)$", re.DOTALL)
_IDEOGRAPHS = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\\s\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")


def words_of(text: str) -> list[Span]:
    """The words: what stands between spaces, and each sign of a script that has no spaces."""
    spans = (word_span(text, *match.span()) for match in _IDEOGRAPHS.finditer(text))
    return [span for span in spans if span is not None]


def units_of(phonemes: str, text: str) -> list[Unit]:
    """Units of a text whose phonemes are ``phonemes``, groups and signs each by themselves."""
    groups = [_split(group) for group in phonemes.split()]
    sounding = [core for _, core, _ in groups if core]
    spans = iter(_spans(text, words_of(text), [len(core) for core in sounding]))
    units: list[Unit] = []
    for before, core, after in groups:
        span = next(spans) if core else None
        parts = [(before, None), (core, span), (after, None)]
        units += [Unit(part, place) for part, place in parts if part]
        units[-1] = Unit(units[-1].phonemes, units[-1].span, spaced=True)
    return units


def _split(group: str) -> tuple[str, str, str]:
    match = _GROUP.match(group)
    assert match is not None, "every part of it may be empty"
    return match[1], match[2], match[3]


def _spans(text: str, words: Sequence[Span], groups: Sequence[int]) -> list[Span | None]:
    """The word of each group; a group that stands for several words has the span of all of them."""
    if not words:
        return [None] * len(groups)
    if len(groups) == len(words):
        return list(words)
    weights = [_weight(text[word.start : word.end]) for word in words]
    if len(groups) > len(words):
        return [words[n] for n in _places(groups, weights)]
    places = _places(weights, groups)
    found: list[Span | None] = []
    for group in range(len(groups)):
        mine = [word for word, place in zip(words, places, strict=True) if place == group]
        found.append(Span(mine[0].start, mine[-1].end) if mine else None)
    return found


def _places(lengths: Sequence[float], line: Sequence[float]) -> list[int]:
    """For each length, laid end to end, the index of what its middle lies over on the other line."""
    scale = sum(line) / (sum(lengths) or 1)
    places: list[int] = []
    at, edge, index = 0.0, line[0], 0
    for length in lengths:
        middle = (at + length / 2) * scale
        while middle > edge and index < len(line) - 1:
            index += 1
            edge += line[index]
        places.append(index)
        at += length
    return places


def _weight(word: str) -> float:
    """About how many phonemes a written word has; digits are read as words."""
    return sum({"N": 5.0, "M": 0.5}.get(unicodedata.category(c)[0], 1.0) for c in word)
