"""Our error tree in ElevenLabs' words: over HTTP ``{"detail": {...}}``, on a socket ``{"message", "error", "code"}``.

Sources: the vendor's API reference (errors; text-to-speech WebSocket) and what its SDK, Pipecat and LiveKit read.
"""

from __future__ import annotations

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
    Unauthorized,
    UnsupportedFormat,
    VoiceNotFound,
    by_class,
)
from syrinx.protocols.openai.errors import clean, http_error

POLICY_VIOLATION = 1008
TRY_AGAIN_LATER = 1013
INTERNAL_ERROR = 1011
"""Close codes of RFC 6455, section 7.4.1, and of its IANA registry (1013); the vendor uses the first for bad input."""

_STATUS: dict[type[SyrinxError], tuple[str, int, int]] = {
    EmptyText: ("empty_text", 400, POLICY_VIOLATION),
    TextTooLong: ("max_character_limit_exceeded", 400, POLICY_VIOLATION),
    VoiceNotFound: ("voice_not_found", 404, POLICY_VIOLATION),
    ModelNotFound: ("model_not_found", 400, POLICY_VIOLATION),
    UnsupportedFormat: ("invalid_output_format", 400, POLICY_VIOLATION),
    InvalidRequest: ("", 400, POLICY_VIOLATION),
    Unauthorized: ("invalid_api_key", 401, POLICY_VIOLATION),
    Overloaded: ("too_many_concurrent_requests", 429, TRY_AGAIN_LATER),
    ModelNotReady: ("model_not_ready", 503, TRY_AGAIN_LATER),
    ModelFailed: ("", 502, INTERNAL_ERROR),
    SyrinxError: ("", 503, INTERNAL_ERROR),
}
"""The vendor's name (empty: our code), the HTTP status, the close code; by class, as ``openai.errors`` looks up."""


def _row(error: SyrinxError) -> tuple[str, int, int]:
    name, status, close_code = by_class(error, _STATUS)
    of_its_own = http_error(error).status  # 408 and 413 go by the code
    return name or error.code, of_its_own if of_its_own in (408, 413) else status, close_code


def http_status(error: SyrinxError) -> int:
    """The status of the HTTP answer."""
    return _row(error)[1]


def error_body(error: SyrinxError) -> bytes:
    """Render ``{"detail": {"status", "message", "param"}}``."""
    about = {} if error.param is None else {"param": error.param}
    return msgspec.json.encode({"detail": {"status": _row(error)[0], "message": clean(error.message), **about}})


def close_code(error: SyrinxError) -> int:
    """The code that a socket is closed with, where it is."""
    return _row(error)[2]


def error_message(error: SyrinxError, context_id: str | None = None) -> str:
    """Render the message that says what went wrong on a socket, of a context if it is named."""
    name, _, code = _row(error)
    about = {} if context_id is None else {"contextId": context_id}
    return msgspec.json.encode({"message": clean(error.message), "error": name, "code": code, **about}).decode()
