"""Our error tree in Deepgram's words: over HTTP ``{"err_code", "err_msg", "request_id"}``, on a socket ``Error`` and
``Warning``, each with the names that its documentation uses and those that its servers really send.

Sources: the vendor's pages on errors (of text to speech, over HTTP) and on the data and net errors of its TTS socket
(close codes and their payloads), the types of ``speak/v1`` and ``speak/v2`` in its API specification and SDK (only
``v2`` has an ``Error``, with the names of that page), the issue that told what a warning looks like
(deepgram-python-sdk 653), and what Pipecat and LiveKit read.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    VoiceNotFound,
    by_class,
)
from syrinx.protocols.openai.errors import clean

UNSUPPORTED_DATA = 1003
POLICY_VIOLATION = 1008
TOO_BIG = 1009
INTERNAL_ERROR = 1011
TRY_AGAIN_LATER = 1013
"""Close codes of RFC 6455, section 7.4.1, and of its IANA registry (1013); the vendor uses all but the last."""

NO_TEXT = "NO_SYNTHESIZABLE_TEXT"
"""The vendor's warning where a text holds nothing that can be said (SDK, ``speak_v2warning``)."""
NOT_APPLIED = "PARAMETER_NOT_APPLIED"
"""Ours: a parameter of the address that changes nothing here."""
BAD_REQUEST, BAD_QUERY, BAD_PAYLOAD = "Bad Request", "INVALID_QUERY_PARAMETER", "PAYLOAD_ERROR"
"""Over HTTP, of a model that there is not and of a text without characters; of another parameter; of another body."""
NOT_TEXT, NO_COMMAND, LONG_TEXT, INTERNAL = "MESSAGE-0000", "DATA-0000", "BIG-0001", "NET-0000"
"""On a socket: a message of a type it does not take, a message that is no command, too many characters, our fault."""


@dataclass(frozen=True, slots=True)
class _Row:
    """How an error is told. ``name``, on a socket: as over HTTP where it has none of its own."""

    name: str
    status: int
    close: int
    on_socket: str = ""


_ROWS: dict[type[SyrinxError], _Row] = {
    EmptyText: _Row(BAD_REQUEST, 400, POLICY_VIOLATION, NO_TEXT),
    TextTooLong: _Row("Payload Too Large", 413, TOO_BIG, LONG_TEXT),
    VoiceNotFound: _Row(BAD_REQUEST, 400, POLICY_VIOLATION),
    ModelNotFound: _Row(BAD_REQUEST, 400, POLICY_VIOLATION),
    InvalidRequest: _Row(BAD_QUERY, 400, POLICY_VIOLATION),
    Unauthorized: _Row("INVALID_AUTH", 401, POLICY_VIOLATION),
    Overloaded: _Row("Too Many Requests", 429, TRY_AGAIN_LATER),
    ModelNotReady: _Row("Service Unavailable", 503, TRY_AGAIN_LATER),
    ModelFailed: _Row("INTERNAL_SERVER_ERROR", 502, INTERNAL_ERROR, INTERNAL),
    SyrinxError: _Row("Service Unavailable", 503, INTERNAL_ERROR, INTERNAL),
}
"""By class. ``INTERNAL_SERVER_ERROR``, 1013 and the socket's use of names without a number are ours: the vendor's pages
have no row for a model that failed, and its socket refuses a key, an address or one connection too many over HTTP."""
_BY_CODE: Mapping[str, _Row] = {
    "body_too_large": _Row("PAYLOAD_TOO_LARGE", 413, TOO_BIG),
    "body_timeout": _Row(BAD_PAYLOAD, 408, POLICY_VIOLATION),
    "unexpected_binary": _Row(BAD_PAYLOAD, 400, UNSUPPORTED_DATA, NOT_TEXT),
}
IN_THE_BODY = (None, "text", "type")
"""``param`` of what is not in the query."""
_BODY = _Row(BAD_PAYLOAD, 400, POLICY_VIOLATION, NO_COMMAND)


def _row(error: SyrinxError) -> _Row:
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    row = by_class(error, _ROWS)
    return _BODY if row is _ROWS[InvalidRequest] and error.param in IN_THE_BODY else row


def _on_socket(error: SyrinxError) -> str:
    row = _row(error)
    return row.on_socket or row.name


def http_status(error: SyrinxError) -> int:
    """The status of the HTTP answer."""
    return _row(error).status


def close_code(error: SyrinxError) -> int:
    """The code that a socket is closed with, where it is."""
    return _row(error).close


def error_body(error: SyrinxError, request_id: str) -> bytes:
    """Render the HTTP answer."""
    return msgspec.json.encode(
        {"err_code": _row(error).name, "err_msg": clean(error.message), "request_id": request_id}
    )


def error_message(error: SyrinxError, request_id: str) -> str:
    """Render the socket's ``Error``: something that was asked for is not done."""
    code, said = _on_socket(error), clean(error.message)
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
    return _on_socket(error)
