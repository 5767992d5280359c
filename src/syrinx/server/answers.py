"""Small whole answers: JSON bodies, errors in the HTTP envelope, and sockets that are refused with a code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from syrinx.core.errors import SyrinxError
from syrinx.core.ids import new_id
from syrinx.protocols.openai.errors import envelope, error_body, http_error

POLICY_VIOLATION = 1008
GOING_AWAY = 1001
TRY_AGAIN_LATER = 1013
INTERNAL_ERROR = 1011
"""Close codes of RFC 6455, section 7.4.1, and of its IANA registry (1013)."""
MAX_REASON_BYTES = 123
"""A control frame holds 125 bytes (RFC 6455, section 5.5), two of which are the code."""


def json_answer(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A finished JSON answer."""
    return Response(body, status, {"cache-control": "no-store", **(headers or {})}, "application/json")


def error_answer(error: SyrinxError, *, draining: bool = False) -> Response:
    """One of our errors in the envelope. While draining, a refusal is 503: another server should be asked."""
    found = http_error(error)
    headers = {}
    if found.retry_after_s is not None:
        headers["retry-after"] = str(found.retry_after_s)
    if found.status == 401:
        headers["www-authenticate"] = "Bearer"
    status = 503 if draining and found.status == 429 else found.status
    return json_answer(error_body(error), status, headers)


def plain_error(status: int, message: str, code: str) -> Response:
    """An error that no ``SyrinxError`` stands for: unknown route, wrong method, forbidden origin."""
    return json_answer(envelope(message, "invalid_request_error", code), status)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a socket is refused."""

    code: int
    reason: str
    subprotocol: str | None = None
    """To be echoed, where the client offered any."""
    messages: Sequence[str | bytes] = ()
    """Said before it is closed: the dialect's own words, for clients that look at no close code."""


async def refuse_socket(receive: Receive, send: Send, refusal: Refusal) -> None:
    """Accept, then close with a code: a rejection before accepting reaches clients as a bare 403 without it."""
    await receive()
    await send({"type": "websocket.accept", "subprotocol": refusal.subprotocol, "headers": []})
    for message in refusal.messages:
        await send({"type": "websocket.send", "text" if isinstance(message, str) else "bytes": message})
    await send({"type": "websocket.close", "code": refusal.code, "reason": close_reason(refusal.reason)})


def close_reason(text: str) -> str:
    """As much of a reason as a close frame holds; with a longer one the connection just breaks."""
    return text.encode(errors="replace")[:MAX_REASON_BYTES].decode(errors="ignore")


def request_id(scope: Scope) -> str:
    """The id that ``log.RequestLog`` gave this request; a new one where that is not in the way."""
    return scope.get("state", {}).get("request_id") or new_id("req")


def abort(scope: Scope) -> None:
    """Drop the connection without waiting for its buffer, which a reader that stopped never empties.

    Works where our own server put the transport's ``abort`` into the scope (``transport.AbortableHttp``).
    """
    drop = scope.get("state", {}).get("abort")
    if drop is not None:
        drop()
