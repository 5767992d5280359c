"""Blends of voices as one voice id: ``af_bella+af_sky``, with weights ``af_bella(2)+af_sky(1)``. Pure."""

from __future__ import annotations

import re

MOST_VOICES = 8
"""In one blend; more are one murmur."""
_PART = re.compile(r"([^\s()+]{1,64})(?:\((\d{1,4}(?:\.\d{1,4})?)\))?")


def parse_blend(voice: str) -> tuple[tuple[str, float], ...] | None:
    """The voices of a blend with their weights (1 where none is said), each above 0; None: it is no blend.

    Total. A single voice with a weight is a blend of one.
    """
    parts: list[tuple[str, float]] = []
    for part in voice.split("+", MOST_VOICES):
        match = _PART.fullmatch(part.strip())
        if match is None or float(match[2] or 1) <= 0 or len(parts) == MOST_VOICES:
            return None
        parts.append((match[1], float(match[2] or 1)))
    return tuple(parts) if len(parts) > 1 or "(" in voice else None
