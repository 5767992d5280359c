"""Which words a run of phonemes belongs to, for languages whose phonemes come without a way back. Pure.

A group is what stands between two spaces of the phonemes. Mostly there are as many as words; else (numbers read out,
small words run together) both are laid on one line by their lengths.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from itertools import accumulate, chain

from syrinx.core.types import Span

from .units import Unit, word_span

SIGNS = ';:,.!?¡¿—…"“”()'
"""Signs of the model's alphabet that are no sound: pauses, and what brackets them."""

_GROUP = re.compile(rf"^([{re.escape(SIGNS)}]*)(.*?)([{re.escape(SIGNS)}]*)$", re.DOTALL)
_BREAK = re.compile("[;:,.!?…—“”()«»。！？，、；：「」『』।]")
"""What is a sign in the phonemes too, where it stands between two words."""
_IDEOGRAPHS = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\\s\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")


def words_of(text: str) -> list[Span]:
    """The words: what stands between spaces, and each sign of a script that has no spaces."""
    spans = (word_span(text, *match.span()) for match in _IDEOGRAPHS.finditer(text))
    return [span for span in spans if span is not None]


def units_of(phonemes: str, text: str) -> list[Unit]:
    """Units of a text whose phonemes are ``phonemes``, groups and signs each by themselves."""
    groups = [_split(group) for group in phonemes.split()]
    spans = iter(_by_clause(text, groups))
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


def _by_clause(text: str, groups: Sequence[tuple[str, str, str]]) -> list[Span | None]:
    """The word of each group that sounds; clause by clause where both have as many."""
    spoken: list[list[int]] = [[]]
    for before, core, after in groups:
        if before:
            spoken.append([])
        if core:
            spoken[-1].append(len(core))
        if after:
            spoken.append([])
    written: list[list[Span]] = [[]]
    at = 0
    for word in words_of(text):
        if _BREAK.search(text, at, word.start + 1):
            written.append([])
        written[-1].append(word)
        at = word.end
    spoken, written = [s for s in spoken if s], [w for w in written if w]
    if len(spoken) != len(written):
        spoken, written = [list(chain.from_iterable(spoken))], [list(chain.from_iterable(written))]
    return [span for s, w in zip(spoken, written, strict=True) for span in _spans(text, w, s)]


def _spans(text: str, words: Sequence[Span], groups: Sequence[int]) -> list[Span | None]:
    """The word of each group; a group that stands for several words has the span of all of them."""
    if not words:
        return [None] * len(groups)
    if len(groups) == len(words):
        return list(words)
    weights = [_weight(text[word.start : word.end]) for word in words]
    if len(groups) > len(words):
        return [words[n] for n in _shared_out(groups, weights)]
    places = _shared_out(weights, groups)
    hulls = [[word for word, place in zip(words, places, strict=True) if place == n] for n in range(len(groups))]
    return [Span(hull[0].start, hull[-1].end) for hull in hulls]


def _shared_out(many: Sequence[float], few: Sequence[float]) -> list[int]:
    """Give each of ``few`` a run of ``many``, none empty, so that lengths agree best; the index in ``few`` for each of
    ``many``. Weighs all cuts, each length against its share of the whole: len(few) * len(many) ** 2 steps."""
    scale = sum(few) / (sum(many) or 1)
    ends = [0.0, *(edge * scale for edge in accumulate(many))]
    least = [[math.inf] * len(ends) for _ in range(len(few) + 1)]
    cut = [[0] * len(ends) for _ in range(len(few) + 1)]
    least[0][0] = 0.0
    for n, length in enumerate(few, 1):
        for end in range(n, len(ends)):
            costs = [least[n - 1][at] + (ends[end] - ends[at] - length) ** 2 for at in range(n - 1, end)]
            best = min(range(len(costs)), key=costs.__getitem__)
            least[n][end], cut[n][end] = costs[best], best + n - 1
    found: list[int] = []
    end = len(many)
    for n in range(len(few), 0, -1):
        at = cut[n][end]
        found[:0] = [n - 1] * (end - at)
        end = at
    return found


_WEIGHTS = {"Nd": 5.0, "Mn": 0.5, "Mc": 0.5, "Lo": 2.0}
"""By Unicode category: digits, vowel signs, letters without case (ideographs and Indic)."""


def _weight(word: str) -> float:
    """About how many phonemes a written word has; digits are read as words."""
    return sum(_WEIGHTS.get(unicodedata.category(c), 1.0) for c in word)
