"""A stream of bytes (TCP, a Unix socket) as the pump takes a WebSocket: messages in, messages out, a close."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from starlette.types import Message
from starlette.websockets import WebSocketDisconnect

READ_BYTES = 65_536
"""Read at once: the default limit of ``asyncio.StreamReader``, which holds no more than twice that."""
LINGER_S = 1.0
"""A client that still sends when we close is heard out for so long: else the reset would cost it our last words."""
LINGER_BYTES = 1_000_000


class Cutter(Protocol):
    """Cuts a stream into messages, as ``protocols.wyoming.frames.EventReader``."""

    def feed(self, data: bytes) -> list[bytes]: ...


class ByteStream:
    """One connection. ``receive`` and ``send`` take and give ASGI's messages of a WebSocket."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        cutter: Cutter,
        idle_s: float,
        busy: Callable[[], bool],
    ) -> None:
        """A client from which nothing comes for ``idle_s`` while ``busy()`` is false has left."""
        self._reader = reader
        self._writer = writer
        self._cutter = cutter
        self._idle_s = idle_s
        self._busy = busy
        self._messages: deque[bytes] = deque()
        self._gone = False
        self.scope: dict[str, Any] = {"type": "stream", "state": {"abort": writer.transport.abort}}

    async def receive(self) -> Message:
        """The next message, or ``websocket.disconnect``."""
        if self._messages:
            await asyncio.sleep(0)  # many come at once, and others get their turn between two
        while not self._messages:
            data = await self._read()
            if not data:
                self._gone = True
                return {"type": "websocket.disconnect", "code": 1006}
            self._messages.extend(self._cutter.feed(data))
        return {"type": "websocket.receive", "bytes": self._messages.popleft()}

    async def send(self, message: Message) -> None:
        """Write a message and wait while the client's buffer is full; a close writes nothing. Raises
        ``WebSocketDisconnect`` where the client has left."""
        if message["type"] != "websocket.send":
            return
        try:
            if self._writer.is_closing():  # uvloop lets nobody write then
                raise ConnectionResetError
            self._writer.write(message["bytes"])
            await self._writer.drain()
        except OSError:
            self._gone = True
            raise WebSocketDisconnect(1006) from None

    async def close(self) -> None:
        """Close after what was written; nobody may wait in ``receive`` any more."""
        try:
            if not self._gone and not self._writer.is_closing():
                self._writer.write_eof()
                async with asyncio.timeout(LINGER_S):
                    await self._hear_out()
        except (OSError, TimeoutError):
            pass
        finally:
            self._writer.close()

    async def _read(self) -> bytes:
        """What came in; nothing where the client has left."""
        while True:
            try:
                async with asyncio.timeout(self._idle_s):
                    return await self._reader.read(READ_BYTES)
            except TimeoutError:
                if not self._busy():
                    return b""
            except OSError:
                return b""

    async def _hear_out(self) -> None:
        left = LINGER_BYTES
        while left > 0 and (data := await self._reader.read(READ_BYTES)):
            left -= len(data)
