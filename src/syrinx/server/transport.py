"""uvicorn's HTTP connection with two things changed: the application can drop it at once, and bytes that are no HTTP
are answered in the envelope."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from syrinx.protocols.openai_errors import envelope


class AbortableHttp(HttpToolsProtocol):
    """Puts ``transport.abort`` into ``scope["state"]["abort"]``, for the WebSocket it may become as well."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  uvicorn narrows it likewise
        super().connection_made(transport)
        self.app_state = {**self.app_state, "abort": transport.abort}

    def send_400_response(self, msg: str) -> None:
        """Answer what cannot be parsed and close: nothing after it could be understood."""
        body = envelope(msg, "invalid_request_error", "invalid_http")
        head = b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nconnection: close\r\n"
        self.transport.write(head + b"content-length: %d\r\n\r\n" % len(body) + body)
        self.transport.close()
