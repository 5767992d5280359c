"""uvicorn's HTTP connection with three things changed: the application can drop it at once, bytes that are no HTTP and
handshakes that are none are answered in the envelope, and an answer's head leaves with the beginning of its body."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from syrinx.protocols.openai.errors import envelope

FINAL = tuple(b"HTTP/1.1 %d" % kind for kind in (2, 3, 4, 5))
"""How heads begin that a body follows; those of 100 and 101 are waited for."""


class AbortableHttp(HttpToolsProtocol):
    """Puts ``transport.abort`` into ``scope["state"]["abort"]``, for the WebSocket it may become as well."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  uvicorn narrows it likewise
        super().connection_made(transport)
        self.app_state = {**self.app_state, "abort": transport.abort}
        self._plain = transport
        self.transport = HeadWithBody(transport)  # type: ignore[assignment]  it is used for writing and closing

    def handle_websocket_upgrade(self) -> None:
        self.transport = self._plain
        super().handle_websocket_upgrade()
        link = getattr(self._plain.get_protocol(), "conn", None)
        if getattr(link, "handshake_exc", None) is not None and not self._plain.is_closing():
            # The WebSocket library takes shorter lines and fewer headers than HTTP does, and uvicorn then says nothing.
            self.send_400_response("This is no WebSocket handshake, or its address or its headers are too long.")

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be parsed and close: nothing after it could be understood."""
        body = envelope(msg, "invalid_request_error", "invalid_http")
        head = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n"
        self.transport.write(head + b"content-length: %d\r\n\r\n" % len(body) + body)
        self.transport.close()


class HeadWithBody:
    """A transport that holds the head of an answer back until the next write, at most one turn of the event loop: each
    write is a call to the system and wakes the client."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""

    def write(self, data: bytes) -> None:
        """Send it, behind what was held back."""
        if not self._head and data.startswith(FINAL):
            self._head = data
            asyncio.get_running_loop().call_soon(self._release)
        else:
            head, self._head = self._head, b""
            self._transport.write(head + data)

    def close(self) -> None:
        """Send what was held back and close."""
        self._release()
        self._transport.close()

    def _release(self) -> None:
        head, self._head = self._head, b""
        if head and not self._transport.is_closing():
            self._transport.write(head)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
