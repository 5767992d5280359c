"""A client of Deepgram's socket that knows nothing of the server but the documented messages."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.e2e.talk import WAIT_S
from tests.fakes.server_process import ServerProcess

Said = bytes | dict[str, Any]
"""Audio, or a message."""


class Turns:
    """One connection."""

    def __init__(self, link: ClientConnection) -> None:
        self.link = link

    async def tell(self, kind: str, text: str | None = None, **fields: Any) -> None:
        await self.link.send(json.dumps({"type": kind, **({} if text is None else {"text": text}), **fields}))

    async def hear(self) -> Said:
        async with asyncio.timeout(WAIT_S):
            message = await self.link.recv()
        return message if isinstance(message, bytes) else json.loads(message)

    async def hear_until(self, kind: str) -> list[Said]:
        """Everything up to the first message of that kind."""
        heard = [await self.hear()]
        while kind_of(heard[-1]) != kind:
            heard.append(await self.hear())
        return heard

    async def say(self, text: str = "Hello.") -> list[Said]:
        """A turn of its own, to its end."""
        await self.tell("Speak", text)
        await self.tell("Flush")
        return await self.hear_until("Flushed")

    async def closed(self) -> tuple[int | None, str | None]:
        """Wait until the server closes; return its code and reason."""
        async with asyncio.timeout(WAIT_S):
            with contextlib.suppress(ConnectionClosed):
                async for _ in self.link:
                    pass
            await self.link.wait_closed()
        return self.link.close_code, self.link.close_reason


@asynccontextmanager
async def turns(server: ServerProcess, *, greeted: bool = True, **query: str) -> AsyncIterator[Turns]:
    """A connection for the length of the block. ``greeted``: its first message was heard."""
    asked = "&".join(f"{name}={value}" for name, value in {"model": "sine", **query}.items())
    url = f"{server.ws_url}/v1/speak?{asked}"
    async with connect(url, proxy=None, max_size=None, close_timeout=1.0) as link:
        client = Turns(link)
        if greeted:
            assert kind_of(await client.hear()) == "Metadata"
        yield client


def kind_of(said: Said) -> str:
    return "audio" if isinstance(said, bytes) else said["type"]


def sound(heard: Iterable[Said]) -> bytes:
    return b"".join(said for said in heard if isinstance(said, bytes))
