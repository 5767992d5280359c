"""A WebSocket to a server: opened, read and closed with the errors that each way of failing stands for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    ConnectionClosedOK,
    InvalidHandshake,
    InvalidStatus,
    InvalidURI,
    WebSocketException,
)
from websockets.typing import Subprotocol

from syrinx.core.errors import InvalidRequest, ModelNotReady, Overloaded, SyrinxError, Unauthorized

from .address import is_loopback
from .refusals import DEFAULT_RETRY_S

OPEN_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 1.0
"""A client that leaves with audio unread never sees the server's half of the closing handshake."""
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""Longest message accepted from a server: far beyond any that Syrinx sends."""


class Link:
    """An open connection. Get it from ``open_link``."""

    def __init__(self, url: str, socket: ClientConnection) -> None:
        self.url = url
        self._socket = socket

    @property
    def subprotocol(self) -> str | None:
        """What the server chose of those offered."""
        return self._socket.subprotocol

    async def send(self, message: Mapping[str, Any]) -> None:
        """Send one JSON message. Raises what the connection's end means."""
        try:
            await self._socket.send(json.dumps(message))
        except ConnectionClosed as error:
            raise self._closed(error) from None

    async def receive(self, wait_s: float | None = None) -> str | bytes | None:
        """The next message, or None once the server closed normally. Raises what its close code means otherwise.

        ``wait_s``: longest wait, after which it raises ``ModelNotReady``; None: as long as the connection lasts.
        """
        try:
            async with asyncio.timeout(wait_s):
                return await self._socket.recv()
        except TimeoutError:
            raise ModelNotReady(f"{self.url} said nothing for {wait_s:g} s.") from None
        except ConnectionClosedOK:
            return None
        except ConnectionClosed as error:
            raise self._closed(error) from None

    async def close(self) -> None:
        """Leave. Idempotent."""
        await self._socket.close()

    def _closed(self, error: ConnectionClosed) -> SyrinxError:
        code, reason = (error.rcvd.code, error.rcvd.reason) if error.rcvd else (1006, "the connection broke")
        message = f"{self.url} closed the connection: {str(reason or code).rstrip('.')}."
        if code in (1008, 4401):
            return Unauthorized(message)
        if code == 1013:
            return Overloaded(message, DEFAULT_RETRY_S)
        if code == 4404:
            return InvalidRequest(message, code="job_not_found")
        return ModelNotReady(message)


async def open_link(
    url: str, *, headers: Mapping[str, str] | None = None, subprotocols: Sequence[str] | None = None
) -> Link:
    """Connect to a ``ws://`` address with its path.

    Raises ``ModelNotReady`` when there is no server, ``Unauthorized`` when it says so, and ``InvalidRequest`` for what
    is no address.
    """
    try:
        socket = await connect(
            url,
            additional_headers=dict(headers or {}),
            subprotocols=[Subprotocol(name) for name in subprotocols] if subprotocols else None,
            compression=None,
            max_size=MAX_MESSAGE_BYTES,
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S,
            proxy=None if is_loopback(url) else True,
        )
    except InvalidStatus as error:
        status = error.response.status_code
        if status in (401, 403):
            raise Unauthorized(f"{url} refused the connection: the key is missing or wrong.") from None
        raise ModelNotReady(f"{url} answered {status}: it has no WebSocket there.") from None
    except InvalidURI:
        raise InvalidRequest(f"{url!r} is not the address of a WebSocket.") from None
    except (OSError, InvalidHandshake, TimeoutError, WebSocketException) as error:
        raise ModelNotReady(f"No server could be reached at {url} ({error or 'no answer in time'}).") from None
    return Link(url, socket)


def bearer(key: str) -> dict[str, str]:
    """The header that carries a key; none for an empty one."""
    return {"Authorization": f"Bearer {key}"} if key else {}
