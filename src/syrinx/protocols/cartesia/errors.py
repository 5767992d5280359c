"""Our error tree in Cartesia's words: ``{"error_code", "title", "message", ...}`` over HTTP and in events.

Source: the vendor's page on API errors (``Cartesia-Version`` 2026-03-01 and newer; older versions answer with plain
text), the types of its SDK for 2026-08-14, and what Pipecat and LiveKit read. That page has the fields: of an HTTP
answer and of an event ``error_code`` (or null), ``title``, ``message`` and ``request_id``; of an event ``status_code``
and ``done`` too; ``doc_url`` and an event's ``context_id`` may be left out. Of its codes ``concurrency_limited`` is its
example; the others here are ours.
"""

from __future__ import annotations

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
    Unauthorized,
    UnsupportedFormat,
    VoiceNotFound,
    by_class,
)
from syrinx.protocols.openai.errors import clean, http_error

_TABLE: dict[type[SyrinxError], tuple[int, str, str]] = {
    EmptyText: (400, "empty_transcript", "Nothing to speak"),
    TextTooLong: (400, "transcript_too_long", "Transcript too long"),
    VoiceNotFound: (404, "voice_not_found", "Voice not found"),
    ModelNotFound: (400, "model_not_found", "Invalid model"),
    UnsupportedFormat: (400, "invalid_output_format", "Invalid output format"),
    InvalidRequest: (400, "", "Invalid request"),
    Unauthorized: (401, "invalid_api_key", "Invalid API key"),
    Overloaded: (429, "concurrency_limited", "Too many concurrent requests"),
    ModelNotReady: (503, "model_not_ready", "Model not ready"),
    ModelFailed: (502, "", "The model failed"),
    SyrinxError: (503, "", "The server failed"),
}
"""The status, the code (empty: our own; the vendor publishes only some of its) and the title; by class, as
``openai.errors`` looks up."""


def _row(error: SyrinxError) -> tuple[int, str, str]:
    status, code, title = by_class(error, _TABLE)
    of_its_own = http_error(error).status  # 408 and 413 go by the code
    return of_its_own if of_its_own in (408, 413) else status, code or error.code, title


def http_status(error: SyrinxError) -> int:
    """The status of the HTTP answer."""
    return _row(error)[0]


def error_body(error: SyrinxError, request_id: str) -> bytes:
    """Render the body of an HTTP answer."""
    return msgspec.json.encode({**_words(error), "request_id": request_id})


def error_event(error: SyrinxError, context_id: str | None, request_id: str) -> dict[str, Any]:
    """The event of a socket or of server-sent events. ``error`` is what clients of older versions read."""
    words = _words(error)
    return {
        "type": "error",
        "done": True,
        "status_code": http_status(error),
        **words,
        "error": f"{words['title']}: {words['message']}",
        "context_id": context_id,
        "request_id": request_id,
    }


def _words(error: SyrinxError) -> dict[str, str]:
    _, code, title = _row(error)
    return {"error_code": code, "title": title, "message": clean(error.message)}
