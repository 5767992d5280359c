"""How fast espeak-ng speaks: from text to expected seconds. Pure, from measurements."""

from __future__ import annotations

import re

NORMAL_WPM = 175
"""espeakRATE_NORMAL, and the only rate asked for: others are off by up to 7 % and differ between languages (at 400
words a minute Spanish is 2.07 times faster, Mandarin 2.68), while the audio chain changes speed to the sample."""

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


def expected_s(text: str) -> float:
    """Return about how many seconds of audio ``text`` makes; never far too little."""
    slow = 0.0
    slow_count = 0
    for pattern, seconds in _SLOW:
        count = len(pattern.findall(text))
        slow += count * seconds
        slow_count += count
    return slow + (len(text) - slow_count) * SECONDS_PER_LETTER
