"""How long a text will be spoken, by its script: the guard against endless jobs goes by it. Pure."""

from __future__ import annotations

SECONDS_PER_LETTER = 0.065
"""English read aloud: about 15 characters a second."""
SECONDS_PER_SIGN = 0.25
"""Ideographs, kana and Hangul syllables: about 4 a second."""
_SIGNS = (("\u3040", "\u30ff"), ("\u3400", "\u9fff"), ("\uac00", "\ud7a3"), ("\uf900", "\ufaff"))
"""Ranges of those: kana, ideographs, Hangul, compatibility ideographs."""


def expected_s(text: str) -> float:
    """Return the usual length of ``text`` as speech, in seconds."""
    signs = sum(any(low <= letter <= high for low, high in _SIGNS) for letter in text)
    return signs * SECONDS_PER_SIGN + (len(text) - signs) * SECONDS_PER_LETTER
