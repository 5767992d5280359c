"""The line that is to be spoken, and how long that may take. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

FRAME_RATE = 7.5
"""Frames a second: 3200 samples each at 24 kHz (paper: arXiv 2508.19205)."""
SECONDS_PER_CHAR = 0.065
"""Usual pace, of English read aloud."""
AT_MOST = 3.0
"""Times the usual pace, for slow voices and languages with few characters a second."""
SPARE_S = 4.0
"""For the shortest texts, and for silence at both ends."""


def clean(text: str, special: Iterable[str]) -> str:
    """Make it one line without the tokenizer's ``special`` tokens, which would be read as commands, not text.

    Signs that UTF-8 cannot carry become question marks; control characters become spaces.
    """
    text = text.encode("utf-8", "replace").decode()
    marks = "|".join(re.escape(token) for token in sorted(special, key=len, reverse=True))
    text = re.sub(marks, " ", text) if marks else text
    text = "".join(sign if sign.isprintable() or sign in "\u200c\u200d" else " " for sign in text)
    return " ".join(text.split()) or "."


def most_frames(text: str, limit: int) -> int:
    """How many frames the text may take; ``limit`` where that is set and smaller."""
    wide = sum(2 for sign in text if ord(sign) >= 0x2E80)  # Chinese, Japanese and Korean: some three letters a sign
    needed = math.ceil(((len(text) + wide) * SECONDS_PER_CHAR * AT_MOST + SPARE_S) * FRAME_RATE)
    return min(limit, needed) if limit else needed
