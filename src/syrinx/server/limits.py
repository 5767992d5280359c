"""What may come in at all: hosts and origins, body sizes and times, and how many sockets at once. Plain ASGI."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syrinx.core.errors import InvalidRequest, Overloaded
from syrinx.server.answers import POLICY_VIOLATION, Refusal, plain_error, refuse_socket

EXPOSED = (
    "x-request-id, retry-after, x-syrinx-model, x-syrinx-not-applied, "
    "x-audio-sample-rate, x-audio-channels, x-audio-format"
)
"""Headers of ours that a web page of another origin may read."""
METHODS = "GET, HEAD, POST, PATCH, DELETE, OPTIONS"
PREFLIGHT_S = 600
"""How long a browser may remember a preflight; Chromium caps it at 2 hours, a short time lets settings change."""


class OriginGuard:
    """Refuses web pages that are not ours: DNS rebinding by ``Host``, other sites by ``Origin``. Answers CORS.

    Accepted hosts: loopback names, any literal address (a rebinding attack needs a name), ``hosts``; ``"*"`` for any.
    Accepted origins: loopback ones, the server's own, ``origins``; ``"*"`` for any. Clients that send neither header
    are not browsers and pass.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], origins: Collection[str]) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._origins = frozenset(origin.lower().rstrip("/") for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        refusal = self._refusal(headers.get("host", ""), origin)
        if refusal is not None:
            await _forbid(refusal, scope, receive, send)
        elif scope["type"] == "http" and scope["method"] == "OPTIONS":
            await _options(origin, headers)(scope, receive, send)
        else:
            await self._app(scope, receive, _with_cors(send, origin) if origin else send)

    def _refusal(self, host: str, origin: str | None) -> tuple[str, str] | None:
        """The code and reason to refuse with, or None."""
        if host and not self._host_ok(host):
            return "host_not_allowed", "This host name is not served here (setting: allowed_hosts)."
        if origin is not None and not self._origin_ok(origin, host):
            return "origin_not_allowed", "This web origin may not call (setting: cors_origins)."
        return None

    def _host_ok(self, host: str) -> bool:
        name = host_name(host)
        return "*" in self._hosts or name in self._hosts or is_loopback(name) or _is_address(name)

    def _origin_ok(self, origin: str, host: str) -> bool:
        origin = origin.lower()
        if "*" in self._origins or origin in self._origins:
            return True
        authority = origin.partition("://")[2]
        return bool(authority) and (authority == host.lower() or is_loopback(host_name(authority)))


def host_name(authority: str) -> str:
    """The name in ``name:port``, lower case, brackets of IPv6 taken off; empty if it makes no sense."""
    behind = authority.partition("]")[2]
    if behind and not behind.startswith(":"):
        return ""  # ``urlsplit`` of Python 3.11 takes "[::1].evil.example" for "::1"
    try:
        return (urlsplit("//" + authority).hostname or "").rstrip(".")
    except ValueError:
        return ""


def is_loopback(name: str) -> bool:
    """True for ``localhost``, names under it, and loopback addresses."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    return _is_address(name) and ipaddress.ip_address(name).is_loopback


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


async def _forbid(refusal: tuple[str, str], scope: Scope, receive: Receive, send: Send) -> None:
    code, reason = refusal
    if scope["type"] == "websocket":
        await refuse_socket(receive, send, Refusal(POLICY_VIOLATION, reason))
    else:
        await plain_error(403, reason, code)(scope, receive, send)


def _options(origin: str | None, headers: Headers) -> Response:
    answer = Response(status_code=204, headers={"allow": METHODS})
    if origin is not None:
        wanted = headers.get("access-control-request-headers", "Authorization, Content-Type")
        answer.headers.update(
            {
                "access-control-allow-origin": origin,
                "access-control-allow-methods": METHODS,
                "access-control-allow-headers": wanted,
                "access-control-allow-private-network": "true",
                "access-control-max-age": str(PREFLIGHT_S),
                "vary": "Origin",
            }
        )
    return answer


def _with_cors(send: Send, origin: str) -> Send:
    async def send_with_cors(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["access-control-allow-origin"] = origin
            headers["access-control-expose-headers"] = EXPOSED
            headers.add_vary_header("Origin")
        await send(message)

    return send_with_cors


class BodyLimit:
    """Bounds an HTTP body in size and time. Raises ``InvalidRequest`` (``body_too_large``, ``body_timeout``) in the
    route that reads it."""

    def __init__(
        self, app: ASGIApp, max_bytes: int, longer: Mapping[str, int] | None = None, timeout_s: float = 30.0
    ) -> None:
        """``longer``: the bounds of single paths, in place of ``max_bytes``."""
        self._app = app
        self._max_bytes = max_bytes
        self._longer = longer or {}
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            max_bytes = self._longer.get(scope["path"], self._max_bytes)
            receive = _BoundedBody(Headers(scope=scope), receive, max_bytes, self._timeout_s).receive
        await self._app(scope, receive, send)


class _BoundedBody:
    def __init__(self, headers: Headers, receive: Receive, max_bytes: int, timeout_s: float) -> None:
        self._receive = receive
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._left = max_bytes
        length = headers.get("content-length", "")
        self._declared_too_large = length.isdecimal() and int(length[:20]) > max_bytes
        self._waits_for_leave = "expect" in headers
        self._complete = False

    async def receive(self) -> Message:
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._next()
        except TimeoutError:
            raise InvalidRequest(f"The body did not come within {self._timeout_s:g} s.", code="body_timeout") from None

    async def _next(self) -> Message:
        if self._declared_too_large and self._waits_for_leave:
            raise self._too_large()
        message = await self._receive()
        self._note(message)
        if self._left < 0 or self._declared_too_large:
            await self._discard()
            raise self._too_large()
        return message

    async def _discard(self) -> None:
        """Read on for a while, because closing on a client that still sends would cost it our answer."""
        while not self._complete and self._left > -8 * self._max_bytes:
            self._note(await self._receive())

    def _note(self, message: Message) -> None:
        self._left -= len(message.get("body", b""))
        self._complete = not message.get("more_body", False)

    def _too_large(self) -> InvalidRequest:
        return InvalidRequest(f"The body is longer than {self._max_bytes} bytes.", code="body_too_large")


class SocketCap:
    """How many WebSockets may be open at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.open = 0

    @contextmanager
    def slot(self) -> Generator[None, None, None]:
        """Hold one place. Raises ``Overloaded`` when there is none."""
        if self.open >= self._limit:
            raise Overloaded(f"{self._limit} connections are open already.", retry_after_s=1.0)
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1
