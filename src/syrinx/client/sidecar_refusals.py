"""What the desktop sidecar's API refuses with, as the errors that it stands for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syrinx.core.errors import InvalidRequest, ModelFailed, ModelNotReady, Overloaded, SyrinxError, Unauthorized

from .refusals import DEFAULT_RETRY_S, error_of

CODES = {"inference_failed": "model_failed"}
"""The dialect's codes, in lower case, that our error tree has another word for."""


def error_of_envelope(envelope: Any, otherwise: str) -> SyrinxError:
    """The error that ``{"code", "message", "details"}`` stands for; a code that only this dialect has is kept."""
    fields: Mapping[str, Any] = envelope if isinstance(envelope, Mapping) else {}
    code = str(fields.get("code") or "invalid_request").lower()
    return error_of(CODES.get(code, code), str(fields.get("message") or otherwise), {})


def error_of_answer(status: int, retry_after: str | None, answer: Any, path: str) -> SyrinxError:
    """The error of an HTTP answer with ``status`` >= 400 and this JSON (None: it had none)."""
    envelope = answer.get("error") if isinstance(answer, dict) else None
    if envelope is None and status in (404, 405):
        return ModelNotReady(f"The server has no {path} (it answered {status}): it does not speak this dialect.")
    error = error_of_envelope(envelope, f"The server answered {status} to {path}.")
    if status == 401:
        return Unauthorized(error.message)
    if status in (429, 503) and not isinstance(error, ModelNotReady):
        try:
            return Overloaded(error.message, max(float(retry_after or DEFAULT_RETRY_S), 0.001))
        except ValueError:
            return Overloaded(error.message, DEFAULT_RETRY_S)
    if status >= 500 and isinstance(error, InvalidRequest):
        return ModelFailed(error.message)
    return error
