"""Our error tree in Deepgram's words: over HTTP ``{"err_code", "err_msg", "request_id"}``, on a socket ``Error`` and
``Warning``, each with the names that its documentation uses and those that its servers really send.

Sources: the vendor's API reference (errors), its SDK's types (``speak/v1``, ``speak/v2``), the issue that told what a
warning looks like (deepgram-python-sdk 653), and what Pipecat and LiveKit read.
"""

from __future__ import annotations

import msgspec

from syrinx.core.errors import (
    EmptyText,
    InvalidRequest,
    ModelFailed,
    ModelNotReady,
    Overloaded,
    SyrinxError,
    TextTooLong,
    Unauthorized,
    by_class,
)
from syrinx.protocols.openai.errors import clean, http_error

POLICY_VIOLATION = 1008
TRY_AGAIN_LATER = 1013
INTERNAL_ERROR = 1011
"""Close codes of RFC 6455, section 7.4.1, and of its IANA registry (1013); the vendor uses 1008 and 1011."""

NO_TEXT = "NO_SYNTHESIZABLE_TEXT"
"""The vendor's warning where a text holds nothing that can be said (SDK, ``speak_v2warning``)."""
NOT_APPLIED = "PARAMETER_NOT_APPLIED"
"""Ours: a parameter of the address that changes nothing here."""
BAD_QUERY, BAD_PAYLOAD = "INVALID_QUERY_PARAMETER", "PAYLOAD_ERROR"

_ROWS: dict[type[SyrinxError], tuple[str, int, int]] = {
    EmptyText: (NO_TEXT, 400, POLICY_VIOLATION),
    TextTooLong: ("TEXT_TOO_LONG", 413, POLICY_VIOLATION),
    InvalidRequest: ("", 400, POLICY_VIOLATION),
    Unauthorized: ("INVALID_AUTH", 401, POLICY_VIOLATION),
    Overloaded: ("TOO_MANY_REQUESTS", 429, TRY_AGAIN_LATER),
    ModelNotReady: ("SERVICE_UNAVAILABLE", 503, TRY_AGAIN_LATER),
    ModelFailed: ("INTERNAL_SERVER_ERROR", 502, INTERNAL_ERROR),
    SyrinxError: ("SERVICE_UNAVAILABLE", 503, INTERNAL_ERROR),
}
"""The ``err_code`` (empty: by whether the query or the body is to blame), the HTTP status, the close code; by class."""
IN_THE_BODY = (None, "text", "type")
"""``param`` of what is not in the query."""


def _row(error: SyrinxError) -> tuple[str, int, int]:
    name, status, close = by_class(error, _ROWS)
    of_its_own = http_error(error).status  # 408 and 413 go by the code
    by_place = BAD_PAYLOAD if error.param in IN_THE_BODY else BAD_QUERY
    return name or by_place, of_its_own if of_its_own in (408, 413) else status, close


def http_status(error: SyrinxError) -> int:
    """The status of the HTTP answer."""
    return _row(error)[1]


def close_code(error: SyrinxError) -> int:
    """The code that a socket is closed with, where it is."""
    return _row(error)[2]


def error_body(error: SyrinxError, request_id: str) -> bytes:
    """Render the HTTP answer."""
    return msgspec.json.encode({"err_code": _row(error)[0], "err_msg": clean(error.message), "request_id": request_id})


def error_message(error: SyrinxError, request_id: str) -> str:
    """Render the socket's ``Error``: something that was asked for is not done."""
    code, said = _row(error)[0], clean(error.message)
    body = {"type": "Error", "code": code, "description": said, "err_code": code, "err_msg": said}
    return msgspec.json.encode({**body, "request_id": request_id}).decode()


def warning_message(code: str, description: str) -> str:
    """Render the socket's ``Warning``: something was ignored, and all else goes on. Its documentation says ``code`` and
    ``description``; its servers send ``warn_code`` and ``warn_msg``, which LiveKit reads."""
    said = clean(description)
    body = {"type": "Warning", "code": code, "description": said, "warn_code": code, "warn_msg": said}
    return msgspec.json.encode(body).decode()


def limit_code(error: SyrinxError) -> str:
    """The code of a warning that a limit was passed."""
    return _row(error)[0]
