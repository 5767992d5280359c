"""Our error tree in OpenAI's words: one table of statuses, types and codes, and the envelope they travel in."""

from __future__ import annotations

import math
from dataclasses import dataclass

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

NOT_READY_RETRY_S = 1
"""Retry-After while a model loads or restarts, in seconds: the shortest the header can say."""


@dataclass(frozen=True, slots=True)
class HttpError:
    """What an error becomes on the wire."""

    status: int
    type: str
    code: str | None
    retry_after_s: int | None = None


_TABLE: dict[type[SyrinxError], HttpError] = {
    EmptyText: HttpError(400, "invalid_request_error", "empty_text"),
    TextTooLong: HttpError(400, "invalid_request_error", "string_above_max_length"),
    VoiceNotFound: HttpError(400, "invalid_request_error", "voice_not_found"),
    ModelNotFound: HttpError(404, "invalid_request_error", "model_not_found"),
    UnsupportedFormat: HttpError(400, "invalid_request_error", "unsupported_format"),
    InvalidRequest: HttpError(400, "invalid_request_error", None),
    Unauthorized: HttpError(401, "invalid_request_error", "invalid_api_key"),
    Overloaded: HttpError(429, "requests", "rate_limit_exceeded"),
    ModelNotReady: HttpError(503, "server_error", "model_not_ready", NOT_READY_RETRY_S),
    ModelFailed: HttpError(502, "server_error", None),
    SyrinxError: HttpError(503, "server_error", None),
}
"""By class; a kind that is not listed is answered as its nearest listed ancestor. 502: the worker behind us failed.
Statuses and codes follow OpenAI's error guide and what its SDKs retry (408, 409, 429 and 5xx)."""

_STATUS_OF_CODE = {"body_too_large": 413, "body_timeout": 408}
"""Bad input that HTTP has a status of its own for."""


def http_error(error: SyrinxError) -> HttpError:
    """Look up an error's status, type, code and wait."""
    row = by_class(error, _TABLE)
    retry = math.ceil(error.retry_after_s) if isinstance(error, Overloaded) else row.retry_after_s
    status = _STATUS_OF_CODE.get(error.code, row.status)
    return HttpError(status, row.type, row.code or error.code, retry)


def envelope(message: str, kind: str, code: str | None, param: str | None = None) -> bytes:
    """Render ``{"error": {...}}``. Characters that have no UTF-8 form are replaced."""
    body = {"error": {"message": clean(message), "type": kind, "param": param, "code": code}}
    return msgspec.json.encode(body)


def error_body(error: SyrinxError) -> bytes:
    """Render one of our errors in the envelope."""
    found = http_error(error)
    return envelope(error.message, found.type, found.code, error.param)


def clean(text: str) -> str:
    """Replace what has no UTF-8 form."""
    return text.encode("utf-8", "replace").decode("utf-8")
