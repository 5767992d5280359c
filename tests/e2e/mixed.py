"""A client of the dialects whose audio is binary and whose words are JSON, over a real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from tests.e2e.talk import WAIT_S, Talk
from tests.fakes.server_process import ServerProcess

Heard = list[dict[str, Any] | bytes]


class Mixed(Talk):
    """One connection."""

    def __init__(self, link: ClientConnection) -> None:
        super().__init__(link)

    async def send(self, **fields: Any) -> None:
        await self.link.send(json.dumps(fields))

    async def next(self) -> dict[str, Any] | bytes:
        """The next message, whichever kind it is."""
        async with asyncio.timeout(WAIT_S):
            message = await self.link.recv()
        return message if isinstance(message, bytes) else json.loads(message)

    async def until(self, last: Callable[[dict[str, Any]], bool]) -> Heard:
        """Everything up to the first JSON message for which ``last`` holds."""
        heard: Heard = [await self.next()]
        while not (isinstance(heard[-1], dict) and last(heard[-1])):
            heard.append(await self.next())
        return heard

    async def until_type(self, *kinds: str) -> Heard:
        """Everything up to the first JSON message of one of these types."""
        return await self.until(lambda message: message.get("type") in kinds)


@asynccontextmanager
async def mixed(server: ServerProcess, path: str, **options: Any) -> AsyncIterator[Mixed]:
    """A connection for the length of the block."""
    async with connect(server.ws_url + path, proxy=None, max_size=None, close_timeout=1.0, **options) as link:
        yield Mixed(link)


def frames(heard: Heard) -> list[bytes]:
    """The binary messages."""
    return [message for message in heard if isinstance(message, bytes)]


def words(heard: Heard) -> list[dict[str, Any]]:
    """The JSON messages."""
    return [message for message in heard if isinstance(message, dict)]


def floats(data: bytes) -> np.ndarray:
    """32-bit little-endian PCM as floats, shape (n,)."""
    return np.frombuffer(data, "<f4").astype(np.float64)
