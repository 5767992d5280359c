"""The fields of Realtime-style messages, each read in its own lenient way, as this dialect's clients expect."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from syrinx.audio.delivery import LIMITS
from syrinx.core.errors import InvalidRequest
from syrinx.core.types import AudioFormat, Delivery
from syrinx.protocols.formats import audio_format, sample_rate_of
from syrinx.protocols.jsonwire import Fields, first_of, kind, number, string
from syrinx.protocols.realtime.messages import Refused

SPEED = (0.5, 2.0)
"""A plain ``speed`` outside is clamped, as the dialect's first server does; ``delivery`` has the whole range."""
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


def audio_of(fields: Fields, name: str, audio: AudioFormat) -> tuple[str, AudioFormat]:
    """The format of the ``audio`` object under the name it was asked for by; ``name`` and ``audio`` are in force.

    Raises ``InvalidRequest`` (``invalid_format``).
    """
    given = audio_fields(fields)
    if not given:
        return name, audio
    name = string(given, "format", code="invalid_format") or name
    rate = sample_rate_of(given.get("sample_rate")) or audio.sample_rate
    return name, audio_format(name, rate, param="format")


def audio_fields(fields: Fields) -> Fields:
    """The ``audio`` object; null is an empty one. Raises ``InvalidRequest`` (``invalid_format``)."""
    given = fields.get("audio")
    if given is None or isinstance(given, dict):
        return given or {}
    raise Refused("invalid_format", f"'audio' must be an object, not {kind(given)}.")


def delivery_of(fields: Fields, current: Delivery) -> Delivery:
    """Return ``current`` with what the ``delivery`` object says of speed, pitch and volume.

    Raises ``InvalidRequest`` for what is no number within ``audio.delivery.LIMITS``: nothing is clamped here.
    """
    given = fields.get("delivery")
    if given is None:
        return current
    if not isinstance(given, dict):
        raise InvalidRequest(f"'delivery' must be an object, not {kind(given)}.", param="delivery")
    asked = {name: number(given, name, *limits) for name, limits in LIMITS.items()}
    return replace(current, **{name: value for name, value in asked.items() if value is not None})


def marks_of(fields: Fields, current: bool) -> bool:
    """Whether the client wants to be told when each word is spoken. Raises ``InvalidRequest`` for no boolean."""
    value = fields.get("marks")
    if value is None or isinstance(value, bool):
        return current if value is None else value
    raise InvalidRequest(f"'marks' must be true or false, not {kind(value)}.", param="marks")
