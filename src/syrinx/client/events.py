"""What the Realtime-style socket tells, as typed values."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from syrinx.core.errors import InvalidRequest, SyrinxError
from syrinx.core.types import Mark, MarkKind, Span

from .refusals import error_of


@dataclass(frozen=True, slots=True)
class SessionUpdated:
    """The settings in force from now on."""

    voice: str
    audio_format: str
    sample_rate: int


@dataclass(frozen=True, slots=True)
class Created:
    """A response was begun."""

    response: str


@dataclass(frozen=True, slots=True)
class Audio:
    """Some more of a response's audio, in the session's format (16-bit little-endian mono unless changed)."""

    response: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Marks:
    """When words of a response are spoken: places in its text as it was sent, seconds of its audio without the primer.
    Told no later than the audio they fall in, where ``SessionSetup.marks`` asked for them."""

    response: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Completed:
    """All of a response was sent: this much, the silent primer not counted."""

    response: str
    duration_s: float
    total_samples: int


@dataclass(frozen=True, slots=True)
class Canceled:
    """A response was stopped; no audio of it follows. What is None, the server did not tell."""

    response: str
    spoken_until: int | None = None
    """How far the text was heard, an offset into it."""
    heard: str | None = None
    """The text up to there, as it was sent."""
    remaining: str | None = None
    """The rest of the text, as far as it was sent."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A response that was completed before, and was still being heard when ``barge`` stopped it; as ``Canceled``."""

    response: str
    spoken_until: int
    heard: str
    remaining: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A message or a response failed; the connection stays usable. ``response`` is empty where it concerns none."""

    response: str
    error: SyrinxError


@dataclass(frozen=True, slots=True)
class Unknown:
    """An event this client does not know."""

    type: str
    fields: Mapping[str, Any]


RealtimeEvent = SessionUpdated | Created | Audio | Marks | Completed | Canceled | Interrupted | Refused | Unknown


def parse_event(message: str | bytes) -> RealtimeEvent:
    """Read one message of the server. Raises ``InvalidRequest`` (code ``bad_event``) if it is not an event."""
    try:
        fields = json.loads(message)
        return _READERS.get(fields["type"], _unknown)(fields)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
        raise InvalidRequest(f"The server sent something that is no event: {error!r}.", code="bad_event") from None


def _session_updated(fields: Mapping[str, Any]) -> SessionUpdated:
    session = fields["session"]
    audio = session["audio"]
    return SessionUpdated(str(session.get("voice") or ""), str(audio["format"]), int(audio["sample_rate"]))


def _mark(fields: Mapping[str, Any]) -> Mark:
    span = Span(int(fields["start"]), int(fields["end"]))
    times = float(fields["start_s"]), float(fields["end_s"])
    return Mark(MarkKind(fields["kind"]), span, *times, estimated=bool(fields["estimated"]))


def _completed(fields: Mapping[str, Any]) -> Completed:
    return Completed(fields["response"], float(fields["duration_s"]), int(fields["total_samples"]))


def _refused(fields: Mapping[str, Any]) -> Refused:
    error = error_of(str(fields["code"]), str(fields.get("message") or ""), fields)
    return Refused(str(fields.get("response") or ""), error)


def _unknown(fields: Mapping[str, Any]) -> Unknown:
    return Unknown(str(fields["type"]), fields)


_READERS = {
    "session.updated": _session_updated,
    "response.created": lambda fields: Created(fields["response"]),
    "response.output_audio.delta": lambda fields: Audio(
        fields["response"], base64.b64decode(fields["delta"], validate=True)
    ),
    "response.marks": lambda fields: Marks(fields["response"], tuple(_mark(mark) for mark in fields["marks"])),
    "response.completed": _completed,
    "response.canceled": lambda fields: Canceled(
        fields["response"], fields.get("spoken_until"), fields.get("heard"), fields.get("remaining")
    ),
    "response.interrupted": lambda fields: Interrupted(
        fields["response"], int(fields["spoken_until"]), str(fields["heard"]), str(fields["remaining"])
    ),
    "response.error": _refused,
}
