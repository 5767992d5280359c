"""uvicorn's HTTP connection with one thing added: a way for the application to drop it at once."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class AbortableHttp(HttpToolsProtocol):
    """Puts ``transport.abort`` into ``scope["state"]["abort"]``, for the WebSocket it may become as well."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "abort": transport.abort}
