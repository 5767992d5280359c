"""One utterance whose text comes whole, in one call, and the fields that such calls of several dialects share."""

from __future__ import annotations

from dataclasses import dataclass

from syrinx.audio.delivery import LIMITS
from syrinx.core.errors import EmptyText, InvalidRequest, TextTooLong
from syrinx.core.types import Delivery, SpeechRequest
from syrinx.protocols.jsonwire import Fields, kind, number


@dataclass(frozen=True, slots=True)
class OneShot:
    """What to speak and how."""

    text: str
    request: SpeechRequest
    not_applied: tuple[str, ...] = ()
    """Fields that were understood but could not be honoured; the client is told."""
    text_field: str = "input"
    """What the dialect calls the text, for errors."""


def needed_text(fields: Fields, name: str, max_chars: int) -> str:
    """Return a text field that has something in it.

    Raises ``InvalidRequest`` where it is missing or no string, ``TextTooLong``, ``EmptyText``.
    """
    value = fields.get(name)
    if not isinstance(value, str):
        said = "is missing" if value is None else f"must be a string, not {kind(value)}"
        raise InvalidRequest(f"{name!r} {said}.", param=name)
    if len(value) > max_chars:
        raise TextTooLong(max_chars, len(value), param=name)
    if not value.strip():
        raise EmptyText(f"{name!r} holds nothing to speak.", param=name)
    return value


def delivery_of(fields: Fields, default_speed: float) -> Delivery:
    """Return what ``speed``, ``pitch`` and ``volume`` ask for. Raises ``InvalidRequest`` where one is out of range."""
    asked = {name: number(fields, name, *LIMITS[name]) for name in ("speed", "pitch", "volume")}
    given = {name: value for name, value in asked.items() if value is not None}
    return Delivery(**{"speed": default_speed, **given})
