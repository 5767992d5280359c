"""Where a text may be cut at all: never inside what a reader sees as one character, never inside a number.

A small part of Unicode's text segmentation (UAX 29): marks, emoji sequences, flags, Hangul and Indic conjuncts.
"""

from __future__ import annotations

import unicodedata

ZWJ = "\u200d"
MARKS = frozenset({"Mn", "Mc", "Me"})
VIRAMA_CLASS = 9
"""Canonical combining class of the sign that joins two consonants."""
LONGEST_CLUSTER = 64
"""Longer clusters are nobody's writing (UAX 15 bounds a stream-safe one at 30 marks); they may be cut."""


def can_cut(text: str, at: int) -> bool:
    """Whether ``text[:at]`` and ``text[at:]`` each hold whole characters and whole numbers."""
    if at <= 0 or at >= len(text):
        return True
    before, after = text[at - 1], text[at]
    if before.isascii() and after.isascii():
        return before + after != "\r\n" and not _in_number(text, at)
    return not (_extends(after) or _joins(text, at)) and not _in_number(text, at)


def _extends(char: str) -> bool:
    """Whether the character belongs to the one before it: marks, joiners, variation selectors, skin tones, tags."""
    return (
        unicodedata.category(char) in MARKS
        or char == ZWJ
        or "\U0001f3fb" <= char <= "\U0001f3ff"
        or "\U000e0020" <= char <= "\U000e007f"
        or "\udc00" <= char <= "\udfff"
    )


def _joins(text: str, at: int) -> bool:
    """Whether the character before pulls the next one to itself: a joiner, a virama, half a flag, a Hangul letter."""
    before, after = text[at - 1], text[at]
    if before == ZWJ or unicodedata.combining(before) == VIRAMA_CLASS:
        return not after.isspace()
    if _is_regional(before) and _is_regional(after):
        run = 0
        while run < min(at, LONGEST_CLUSTER) and _is_regional(text[at - 1 - run]):
            run += 1
        return run % 2 == 1
    return "\u1100" <= before <= "\u11ff" and "\u1100" <= after <= "\u11ff"


def _is_regional(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _in_number(text: str, at: int) -> bool:
    before, after = text[at - 1], text[at]
    if before.isdigit() and after.isdigit():
        return True
    if after in NUMBER_SIGNS:
        return before.isdigit() and text[at + 1 : at + 2].isdigit()
    return before in NUMBER_SIGNS and after.isdigit() and text[at - 2 : at - 1].isdigit()


NUMBER_SIGNS = frozenset(".,:/ \u00a0\u202f'-")
"""Signs that hold two runs of digits together: 3.50, 1 000 000, 17:30, 2026-03-15."""
