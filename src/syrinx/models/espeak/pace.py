"""How fast espeak-ng speaks: speed to its words per minute, and text to expected seconds. Pure, from measurements."""

from __future__ import annotations

import re

import numpy as np

NORMAL_WPM = 175
"""espeakRATE_NORMAL."""
NATIVE_SPEED = (0.6, 1.4)
"""Where the table below holds within 6 % for every language measured. Outside, languages drift apart (at 400 words per
minute Spanish is 2.07 times faster than normal, Mandarin 2.68), so the audio chain does the rest."""

_WPM = (100, 120, 140, 160, 175, 200, 240, 280)
_SPEED = (0.553, 0.669, 0.793, 0.911, 1.0, 1.149, 1.394, 1.632)
"""Measured with 1.52.0: audio length at 175 over length at each rate, geometric mean of two sentences in en-us, de, fr,
es, hi, ru, cmn, it, pt-br and en-us+f3."""


def words_per_minute(speed: float) -> int:
    """Return espeak's rate for a speed within ``NATIVE_SPEED`` (others are held to the nearer end)."""
    low, high = NATIVE_SPEED
    return round(float(np.interp(min(max(speed, low), high), _SPEED, _WPM)))


SECONDS_PER_LETTER = 0.065
"""Letters, marks, spaces and punctuation: 0.061 (en-us) to 0.077 (hi), measured."""

_SLOW = (
    (re.compile(r"\d"), 0.6),  # a digit of a long number in de: 0.61
    (re.compile(r"[\u0e00-\u0fff\u0600-\u06ff]"), 0.12),  # Thai, Arabic: vowels unwritten or no spaces
    (re.compile(r"[\u3040-\u30ff]"), 0.46),  # kana in ja
    (re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"), 0.3),  # ideographs in cmn: 0.27
    (re.compile(r"[\uac00-\ud7af]"), 0.18),  # hangul in ko
    (re.compile(r"[\u2000-\u2bff\U0001f000-\U0001faff$%&*@#+=]"), 0.4),  # symbols and emoji, read by name
)
"""Characters that take longer than a letter, and their seconds."""


def expected_s(text: str, speed: float) -> float:
    """Return about how many seconds of audio ``text`` makes at ``speed``; never far too little."""
    slow = 0.0
    slow_count = 0
    for pattern, seconds in _SLOW:
        count = len(pattern.findall(text))
        slow += count * seconds
        slow_count += count
    return (slow + (len(text) - slow_count) * SECONDS_PER_LETTER) / speed
