"""A bare HTTP/1.1 client on one kept-alive connection: nothing between the socket and the clock of a measure."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from bench.harness import HOST

READ_BYTES = 65_536
HEAD_LIMIT = 65_536
WAIT_S = 300.0
"""No single read takes longer: a measure must end, and a model with more listeners than a loaded machine carries is
silent for a minute and more."""


class HttpFailed(RuntimeError):
    """The answer was not 200; the text is its body."""


class HttpClient:
    """One connection, one request at a time. Use ``async with``."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> HttpClient:
        self._reader, self._writer = await asyncio.open_connection(HOST, self._port, limit=HEAD_LIMIT)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)

    async def post(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[bytes, None]:
        """Send JSON; yield the pieces of the answer's body as they come. Raises ``HttpFailed`` unless it is 200."""
        self.send(path, body)
        async with asyncio.timeout(WAIT_S):
            head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        pieces = self._chunked() if b"transfer-encoding: chunked" in head else self._sized(head)
        if head.split(b" ", 2)[1] != b"200":
            raise HttpFailed(b"".join([piece async for piece in pieces]).decode(errors="replace"))
        async for piece in pieces:
            yield piece

    def send(self, path: str, body: Mapping[str, Any]) -> None:
        """Write the request and return at once."""
        data = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: {HOST}:{self._port}\r\nContent-Type: application/json\r\n"
        self._writer.write(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)

    async def _chunked(self) -> AsyncGenerator[bytes, None]:
        while True:
            async with asyncio.timeout(WAIT_S):
                size = int((await self._reader.readuntil(b"\r\n")).split(b";")[0], 16)
                piece = (await self._reader.readexactly(size + 2))[:-2]
            if not piece:
                return
            yield piece

    async def _sized(self, head: bytes) -> AsyncGenerator[bytes, None]:
        left = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
        while left > 0:
            async with asyncio.timeout(WAIT_S):
                piece = await self._reader.read(min(left, READ_BYTES))
            if not piece:
                raise ConnectionError("the server closed before the end of the answer")
            left -= len(piece)
            yield piece
