"""What the Realtime-style dialect says: its server messages, and our errors in its words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from syrinx.core.errors import (
    EmptyText,
    InvalidRequest,
    ModelFailed,
    ModelNotFound,
    ModelNotReady,
    Overloaded,
    SyrinxError,
    TextTooLong,
    UnsupportedFormat,
    VoiceNotFound,
)
from syrinx.core.types import Marks
from syrinx.protocols.base import Reply


class Created(msgspec.Struct, tag="response.created", tag_field="type"):
    response: str
    model: str
    voice: str


class Delta(msgspec.Struct, tag="response.output_audio.delta", tag_field="type"):
    response: str
    delta: bytes
    """Base64 on the wire."""


class TimedMark(msgspec.Struct):
    """``core.types.Mark`` with its span laid open."""

    kind: str
    start: int
    end: int
    start_s: float
    end_s: float
    estimated: bool


class Marked(msgspec.Struct, tag="response.marks", tag_field="type"):
    response: str
    marks: Sequence[TimedMark]


class Completed(msgspec.Struct, tag="response.completed", tag_field="type"):
    response: str
    duration_s: float
    total_samples: int


class Canceled(msgspec.Struct, tag="response.canceled", tag_field="type"):
    response: str
    spoken_until: int
    """Characters of the response's text that the listener has heard."""
    heard: str
    remaining: str
    """Joined, the text as it was sent."""


class Stopped(msgspec.Struct, tag="response.interrupted", tag_field="type"):
    """``Canceled`` of a response that was completed before."""

    response: str
    spoken_until: int
    heard: str
    remaining: str


class SessionUpdated(msgspec.Struct, tag="session.updated", tag_field="type"):
    session: Mapping[str, Any]


Message = Created | Delta | Marked | Completed | Canceled | Stopped | SessionUpdated

_encode = msgspec.json.Encoder().encode


def reply(message: Message) -> Reply:
    """Render a message as a text frame."""
    return Reply(_encode(message).decode())


def marked(told: Marks) -> Reply:
    """Render the engine's marks."""
    rows = [
        TimedMark(m.kind.value, m.span.start, m.span.end, round(m.start_s, 4), round(m.end_s, 4), m.estimated)
        for m in told.marks
    ]
    return reply(Marked(told.utterance_id, rows))


class Refused(InvalidRequest):
    """A message that was refused, with the fields this dialect adds to the error event."""

    def __init__(self, code: str, message: str, **fields: Any) -> None:
        super().__init__(message, code=code)
        self.fields = fields


_CODES: dict[type[SyrinxError], str] = {
    EmptyText: "empty_text",
    TextTooLong: "too_long",
    VoiceNotFound: "invalid_voice",
    ModelNotFound: "invalid_model",
    UnsupportedFormat: "invalid_format",
    Overloaded: "busy",
    ModelNotReady: "not_ready",
    ModelFailed: "stream_error",
}
"""By class, nearest ancestor first; anything else says its own ``code``."""
_ENGINE_CODES = {"unknown_utterance": "unknown_response", "duplicate_utterance": "duplicate_id"}
"""The engine calls a response an utterance."""


def error_reply(error: SyrinxError, response: str | None = None) -> Reply:
    """Render ``response.error``. ``response`` is named where the error belongs to one."""
    code = next((_CODES[kind] for kind in type(error).__mro__ if kind in _CODES), error.code)
    code = _ENGINE_CODES.get(code, code)
    body: dict[str, Any] = {"type": "response.error"}
    if response is not None:
        body["response"] = response
    body |= {"code": code, "message": error.message, **_details(error)}
    return Reply(_encode(body).decode())


def _details(error: SyrinxError) -> Mapping[str, Any]:
    if isinstance(error, Refused):
        return error.fields
    if isinstance(error, TextTooLong):
        return {f"max_{error.unit}": error.limit, f"got_{error.unit}": error.got}
    if isinstance(error, Overloaded):
        return {"retry_after_s": error.retry_after_s}
    return {"param": error.param} if error.param else {}
