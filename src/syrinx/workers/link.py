"""The server's end of a worker's connection: an asyncio protocol around the sans-IO decoder, and the door before it."""

from __future__ import annotations

import asyncio
import hmac
import socket
from collections.abc import Callable
from pathlib import Path
from typing import cast

from .address import Address, unix_path
from .messages import FromWorker, Hello, Message
from .wire import Encoder, WireError, server_side

MAX_STRANGERS = 8
"""Connections that may knock before the worker's own; more are dropped."""


class Link(asyncio.Protocol):
    """One accepted connection. Messages go to ``on_message`` from the ``Hello`` with the right secret on."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._decoder = server_side()
        self._encoder = Encoder()
        self._transport: asyncio.Transport | None = None
        self._trusted = False
        self.broken = ""
        """Why the connection was cut by us; empty: it was not."""
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by type
        connection = transport.get_extra_info("socket")
        if connection is not None and connection.family == socket.AF_INET:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._door.knocked(self)

    def data_received(self, data: bytes) -> None:
        if self.broken:
            return
        try:
            for message in self._decoder.feed(data):
                self._heard(message)
        except WireError as error:
            self.cut(str(error))

    def connection_lost(self, exc: Exception | None) -> None:
        self._door.left(self)
        if not self.closed.done():
            self.closed.set_result(None)

    def send(self, message: Message) -> None:
        """Send a message; nothing happens after the connection was lost. Raises ``WireError`` for an unsendable one."""
        data = self._encoder.encode([message])
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def cut(self, reason: str) -> None:
        """Close at once, dropping what was not sent."""
        self.broken = self.broken or reason
        if self._transport is not None:
            self._transport.abort()

    def _heard(self, message: FromWorker) -> None:
        if self._trusted:
            self._door.on_message(message)
        elif isinstance(message, Hello) and hmac.compare_digest(message.secret.encode(), self._door.secret.encode()):
            self._trusted = True
            self._door.entered(self)
        else:
            raise WireError("The first message was no Hello with the right secret.")


class Door:
    """Listens for the one worker that knows the secret."""

    def __init__(self, secret: str, on_message: Callable[[FromWorker], None]) -> None:
        self.secret = secret
        self.on_message = on_message
        self.link: asyncio.Future[Link] = asyncio.get_running_loop().create_future()
        self._server: asyncio.AbstractServer | None = None
        self._strangers: list[Link] = []

    async def open(self, folder: Path) -> Address:
        """Listen in ``folder`` (which only this user can enter), or on loopback. Raises ``OSError``."""
        loop = asyncio.get_running_loop()
        path = unix_path(folder)
        if path is not None:
            self._server = await loop.create_unix_server(lambda: Link(self), path)
            return Address(path=path)
        server = self._server = await loop.create_server(lambda: Link(self), "127.0.0.1", 0)
        return Address(port=server.sockets[0].getsockname()[1])

    def knocked(self, link: Link) -> None:
        if len(self._strangers) >= MAX_STRANGERS or self.link.done():
            link.cut("Not expected.")
        else:
            self._strangers.append(link)

    def left(self, link: Link) -> None:
        if link in self._strangers:
            self._strangers.remove(link)

    def entered(self, link: Link) -> None:
        if self.link.done():
            raise WireError("The worker is connected already.")
        self.left(link)
        self.link.set_result(link)

    def close(self) -> None:
        """Stop listening and send strangers away; the worker's own connection stays."""
        if self._server is not None:
            self._server.close()
        for stranger in list(self._strangers):
            stranger.cut("Not expected.")
        self.link.cancel()
