"""What a server refused, turned back into the error that it stands for: the reverse of the protocols' tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syrinx.core.errors import (
    EmptyText,
    InvalidRequest,
    ModelFailed,
    ModelNotFound,
    ModelNotReady,
    Overloaded,
    RunawayStopped,
    SyrinxError,
    TextTooLong,
    Unauthorized,
    UnsupportedFormat,
    VoiceNotFound,
    WorkerLost,
)

DEFAULT_RETRY_S = 1.0
"""Where a busy server names no wait."""

BY_CODE: Mapping[str, type[SyrinxError]] = {
    **{
        kind.code: kind
        for kind in (
            EmptyText,
            InvalidRequest,
            ModelFailed,
            ModelNotFound,
            ModelNotReady,
            RunawayStopped,
            Unauthorized,
            UnsupportedFormat,
            VoiceNotFound,
            WorkerLost,
        )
    },
    "invalid_voice": VoiceNotFound,
    "invalid_model": ModelNotFound,
    "invalid_format": UnsupportedFormat,
    "not_ready": ModelNotReady,
    "invalid_api_key": Unauthorized,
    "stream_error": ModelFailed,
}
"""Codes of the error tree and the Realtime-style and OpenAI words for them."""


def error_of(code: str, message: str, fields: Mapping[str, Any]) -> SyrinxError:
    """The typed error of a refusal. ``fields``: what else the message carried (``max_words``, ``retry_after_s``, ...).

    An unknown code gives ``InvalidRequest`` with that code, so that programs can still tell refusals apart.
    """
    if code in ("busy", "overloaded", "rate_limit_exceeded"):
        return Overloaded(message or "The server is busy.", _seconds(fields.get("retry_after_s")))
    for unit in ("words", "characters"):
        if f"max_{unit}" in fields:
            return TextTooLong(int(fields[f"max_{unit}"]), int(fields.get(f"got_{unit}", 0)), unit)
    kind = BY_CODE.get(code)
    if kind is None or kind is InvalidRequest:
        return InvalidRequest(message or f"The server refused: {code}.", code=code, param=fields.get("param"))
    return kind(message or f"The server refused: {code}.", param=fields.get("param"))


def error_of_response(status: int, headers: Mapping[str, str], body: Any) -> SyrinxError:
    """The typed error of an HTTP answer with ``status`` >= 400; ``body`` is its JSON, or None where it has none."""
    envelope = body.get("error") if isinstance(body, Mapping) else None
    fields: Mapping[str, Any] = envelope if isinstance(envelope, Mapping) else {}
    message = str(fields.get("message") or f"The server answered {status}.")
    code = str(fields.get("code") or "")
    if status == 401 or status == 403:
        return Unauthorized(message)
    if status in (429, 503) and "retry-after" in headers and code != ModelNotReady.code:
        return Overloaded(message, _seconds(headers["retry-after"]))
    if code:
        return error_of(code, message, fields)
    return ModelFailed(message) if status >= 500 else InvalidRequest(message, param=fields.get("param"))


def _seconds(value: Any) -> float:
    try:
        return max(float(value), 0.001)
    except (TypeError, ValueError):
        return DEFAULT_RETRY_S
