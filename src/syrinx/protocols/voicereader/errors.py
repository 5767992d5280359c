"""Our error tree in the desktop sidecar's words: one table of statuses and codes, and the envelope they travel in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from syrinx.core.errors import (
    ConfigError,
    EmptyText,
    InvalidRequest,
    ModelFailed,
    ModelNotFound,
    ModelNotReady,
    Overloaded,
    SyrinxError,
    Unauthorized,
    VoiceNotFound,
    by_class,
)

MAX_ERRORS = 20
"""Field errors that one answer lists."""
MAX_MESSAGE_CHARS = 500


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field."""

    type: str
    loc: tuple[str | int, ...]
    """Where it is: ``("body", "settings", "rate")``."""
    msg: str
    input: str | float | bool | None = None
    """What was sent, if it is small."""


class InvalidFields(InvalidRequest):
    """A body that is no JSON object, or fields that are wrong; never empty."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        first = errors[0]
        where = ".".join(map(str, first.loc[1:])) or "The body"
        super().__init__(f"{where[:MAX_MESSAGE_CHARS]}: {first.msg}", param=str(first.loc[-1]))
        self.errors = tuple(errors[:MAX_ERRORS])


def job_not_found(job_id: str) -> InvalidRequest:
    """No such job, or it has ended."""
    return InvalidRequest(f"There is no running job {job_id[:100]!r}.", code="job_not_found", param="job_id")


def forbidden(message: str) -> InvalidRequest:
    """What nobody may do."""
    return InvalidRequest(message, code="forbidden")


def job_in_progress() -> InvalidRequest:
    """The model cannot be changed while it speaks."""
    return InvalidRequest("A job is running; cancel it or wait for its end.", code="job_in_progress")


def bad_audio(message: str) -> InvalidRequest:
    """A recording that cannot be used."""
    return InvalidRequest(message, code="bad_audio", param="ref_audio")


def clone_failed(why: str) -> InvalidRequest:
    """The model made no voice of a recording."""
    return InvalidRequest(f"The model could not clone this voice: {why}", code="clone_failed")


_BY_CODE: dict[str, tuple[int, str]] = {
    "forbidden": (403, "FORBIDDEN"),
    "job_not_found": (404, "JOB_NOT_FOUND"),
    "job_in_progress": (409, "JOB_IN_PROGRESS"),
    "cannot_clone": (409, "MODEL_NOT_READY"),
    "bad_audio": (400, "INVALID_AUDIO"),
    "audio_too_short": (400, "INVALID_AUDIO"),
    "audio_too_long": (400, "INVALID_AUDIO"),
    "audio_too_quiet": (400, "INVALID_AUDIO"),
    "audio_clipped": (400, "INVALID_AUDIO"),
    "audio_noisy": (400, "INVALID_AUDIO"),
    "too_many_voices": (400, "VOICE_CLONE_FAILED"),
    "clone_failed": (400, "VOICE_CLONE_FAILED"),
    "body_too_large": (413, "INVALID_REQUEST"),
    "body_timeout": (408, "INVALID_REQUEST"),
}
"""By the code of an ``InvalidRequest``."""

_BY_CLASS: dict[type[SyrinxError], tuple[int, str]] = {
    EmptyText: (400, "EMPTY_TEXT"),
    VoiceNotFound: (404, "VOICE_NOT_FOUND"),
    ModelNotFound: (409, "MODEL_NOT_READY"),
    InvalidRequest: (400, "INVALID_REQUEST"),
    Unauthorized: (401, "UNAUTHORIZED"),
    Overloaded: (429, "OVERLOADED"),
    ModelNotReady: (409, "MODEL_NOT_READY"),
    ConfigError: (409, "MODEL_NOT_READY"),
    ModelFailed: (502, "INFERENCE_FAILED"),
    SyrinxError: (503, "SERVER_ERROR"),
}
"""By class; a kind that is not listed is answered as its nearest listed ancestor. The sidecar's documented codes, and
two that it had no case for: ``OVERLOADED`` and ``SERVER_ERROR``."""


_OWN_WORDS = {"input": "text", "name": "display_name", "reference_text": "ref_text"}
"""What the engine and the voice store call a field, and what a client of the sidecar does."""


def status_and_code(error: SyrinxError) -> tuple[int, str]:
    """Look up an error's HTTP status and the sidecar's code."""
    if isinstance(error, InvalidRequest) and error.code in _BY_CODE:
        return _BY_CODE[error.code]
    return by_class(error, _BY_CLASS)


def retry_after(error: SyrinxError) -> int | None:
    """Whole seconds for ``Retry-After``, where waiting helps."""
    return math.ceil(error.retry_after_s) if isinstance(error, Overloaded) else None


def error_object(error: SyrinxError) -> dict[str, Any]:
    """``{"code", "message", "details"}`` of one of our errors, as it stands in answers and events."""
    status, code = status_and_code(error)
    details: dict[str, Any] = {}
    if isinstance(error, InvalidFields):
        details["errors"] = [_field(item) for item in error.errors]
    elif status == 400 and error.param is not None:
        where = ("body", _OWN_WORDS.get(error.param, error.param))
        details["errors"] = [_field(FieldError(error.code, where, error.message))]
    return {"code": code, "message": clean(error.message), "details": details}


def error_body(error: SyrinxError) -> bytes:
    """The envelope."""
    return msgspec.json.encode({"error": error_object(error)})


def clean(text: str) -> str:
    """The text with characters that have no UTF-8 form replaced, and an end to it."""
    return text.encode("utf-8", "replace").decode("utf-8")[:MAX_MESSAGE_CHARS]


def _field(error: FieldError) -> dict[str, Any]:
    shown = clean(error.input) if isinstance(error.input, str) else error.input
    loc = [clean(part)[:100] if isinstance(part, str) else part for part in error.loc]
    return {"type": error.type, "loc": loc, "msg": clean(error.msg), "input": shown}
