"""A client of Cartesia's socket that knows nothing of the server but the documented messages."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.e2e.talk import RATE, WAIT_S
from tests.fakes.server_process import ServerProcess

Message = dict[str, Any]
HOW: Message = {
    "model_id": "sonic-3",
    "voice": {"mode": "id", "id": "sine"},
    "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": RATE},
    "language": "en",
}
"""What every message of a context repeats."""


class Cartesia:
    """One connection."""

    def __init__(self, link: ClientConnection) -> None:
        self.link = link

    async def tell(self, text: str, context: str, *, more: bool = True, **fields: Any) -> None:
        message = {**HOW, "context_id": context, "transcript": text, "continue": more, **fields}
        await self.link.send(json.dumps(message))

    async def cancel(self, context: str) -> None:
        await self.link.send(json.dumps({"context_id": context, "cancel": True}))

    async def hear(self) -> Message:
        async with asyncio.timeout(WAIT_S):
            return json.loads(await self.link.recv())

    async def hear_until(self, last: Callable[[Message], Any]) -> list[Message]:
        """Everything up to the first message of that kind."""
        heard = [await self.hear()]
        while not last(heard[-1]):
            heard.append(await self.hear())
        return heard

    async def hear_done(self, context: str) -> list[Message]:
        """Everything up to the end of a context."""
        return await self.hear_until(lambda said: said["done"] and said["context_id"] == context)

    async def say(self, context: str, text: str = "Hello.", **fields: Any) -> list[Message]:
        """Speak in a context of its own and hear it to its end."""
        await self.tell(text, context, more=False, **fields)
        return await self.hear_done(context)

    async def closed(self) -> tuple[int | None, str | None]:
        """Wait until the server closes; return its code and reason."""
        async with asyncio.timeout(WAIT_S):
            with contextlib.suppress(ConnectionClosed):
                async for _ in self.link:
                    pass
            await self.link.wait_closed()
        return self.link.close_code, self.link.close_reason


@asynccontextmanager
async def cartesia(server: ServerProcess, key: str = "any") -> AsyncIterator[Cartesia]:
    """A connection for the length of the block."""
    headers = {"X-API-Key": key, "Cartesia-Version": "2026-03-01"}
    url = f"{server.ws_url}/tts/websocket"
    async with connect(url, proxy=None, max_size=None, close_timeout=1.0, additional_headers=headers) as link:
        yield Cartesia(link)


def sound(heard: Iterable[Message], context: str) -> bytes:
    """The audio of a context."""
    chunks = (said for said in heard if said["type"] == "chunk" and said["context_id"] == context)
    return b"".join(base64.b64decode(chunk["data"]) for chunk in chunks)


def words(heard: Iterable[Message], context: str) -> list[str]:
    """The words that a context's times were told of."""
    ours = (said for said in heard if said["type"] == "timestamps" and said["context_id"] == context)
    return [word for said in ours for word in said["word_timestamps"]["words"]]
