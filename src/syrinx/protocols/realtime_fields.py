"""The fields of Realtime-style messages, each read in its own lenient way, as this dialect's clients expect."""

from __future__ import annotations

import math
from typing import Any

from syrinx.protocols.jsonwire import Fields, first_of, kind
from syrinx.protocols.realtime_messages import Refused

SPEED = (0.5, 2.0)
"""Speeds outside are clamped, as the dialect's first server does."""
MAX_ID_CHARS = 256
"""Longest response id, so that echoing it in every delta stays cheap."""


def id_of(fields: Fields, *names: str) -> str | None:
    """Return the id in the first of these fields that has one. Raises ``InvalidRequest`` (``invalid_id``)."""
    value = first_of(fields, *names)
    if value is None or (isinstance(value, str) and len(value) <= MAX_ID_CHARS):
        return value
    raise Refused("invalid_id", f"A response id must be a string of at most {MAX_ID_CHARS} characters.")


def text_of(value: Any) -> str:
    """Return the text; null is empty. Raises ``InvalidRequest`` (``bad_text``)."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Refused("bad_text", f"The text must be a string, not {kind(value)}.")
    return value


def voice_of(fields: Fields) -> str | None:
    """The voice asked for; ``f`` and ``m`` are short for the plain names, which are known in any case."""
    value = fields.get("voice")
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Refused("invalid_voice", f"'voice' must be a string, not {kind(value)}.")
    lowered = value.strip().lower()
    short = {"f": "female", "m": "male"}.get(lowered, lowered)
    return short if short in ("female", "male") else value


def speed_of(value: Any, default: float) -> float:
    """Clamp to ``SPEED``; what is no number, or 0, means the default."""
    try:
        speed = 0.0 if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return default
    if speed == 0 or not math.isfinite(speed):
        return default
    low, high = SPEED
    return min(max(speed, low), high)
