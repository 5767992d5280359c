"""A client of ElevenLabs' sockets that knows nothing of the server but the documented messages."""

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

from tests.e2e.talk import WAIT_S
from tests.fakes.server_process import ServerProcess

Message = dict[str, Any]


class Contexts:
    """One connection."""

    def __init__(self, link: ClientConnection) -> None:
        self.link = link

    async def tell(self, text: str | None = None, context: str | None = None, **fields: Any) -> None:
        named = {"context_id": context, **fields} if context is not None else fields
        await self.link.send(json.dumps(named if text is None else {"text": text, **named}))

    async def hear(self) -> Message:
        async with asyncio.timeout(WAIT_S):
            return json.loads(await self.link.recv())

    async def hear_until(self, last: Callable[[Message], Any]) -> list[Message]:
        """Everything up to the first message of that kind."""
        heard = [await self.hear()]
        while not last(heard[-1]):
            heard.append(await self.hear())
        return heard

    async def hear_final(self, context: str | None = None) -> list[Message]:
        """Everything up to the end of a context."""
        return await self.hear_until(lambda said: said.get("isFinal") and said.get("contextId") == context)

    async def say(self, context: str, text: str = "Hello.") -> list[Message]:
        """Speak in a context of its own and hear it to its end."""
        await self.tell(text, context)
        await self.tell(context=context, flush=True)
        await self.tell(context=context, close_context=True)
        return await self.hear_final(context)

    async def closed(self) -> tuple[int | None, str | None]:
        """Wait until the server closes; return its code and reason."""
        async with asyncio.timeout(WAIT_S):
            with contextlib.suppress(ConnectionClosed):
                async for _ in self.link:
                    pass
            await self.link.wait_closed()
        return self.link.close_code, self.link.close_reason


@asynccontextmanager
async def contexts(
    server: ServerProcess, path: str = "multi-stream-input", voice: str = "sine", **query: str
) -> AsyncIterator[Contexts]:
    """A connection for the length of the block, in 16-bit samples at 24 kHz."""
    asked = "&".join(f"{name}={value}" for name, value in {"output_format": "pcm_24000", **query}.items())
    url = f"{server.ws_url}/v1/text-to-speech/{voice}/{path}?{asked}"
    async with connect(url, proxy=None, max_size=None, close_timeout=1.0) as link:
        yield Contexts(link)


def sound(heard: Iterable[Message], context: str | None = None) -> bytes:
    """The audio of a context."""
    ours = (said for said in heard if said.get("contextId") == context)
    return b"".join(base64.b64decode(said.get("audio") or "") for said in ours)


def spelled(heard: Iterable[Message], context: str | None = None) -> str:
    """The characters that a context's audio was aligned with."""
    ours = (said.get("alignment") for said in heard if said.get("contextId") == context)
    return "".join(char for alignment in ours if alignment for char in alignment["chars"])
