"""A client of OpenAI's Realtime API that knows nothing of the server but the documented messages."""

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

Event = dict[str, Any]
DELTA = "response.output_audio.delta"


class Responses:
    """One connection."""

    def __init__(self, link: ClientConnection) -> None:
        self.link = link

    async def tell(self, kind: str, **fields: Any) -> None:
        await self.link.send(json.dumps({"type": kind, **fields}))

    async def hear(self) -> Event:
        async with asyncio.timeout(WAIT_S):
            return json.loads(await self.link.recv())

    async def hear_until(self, last: Callable[[Event], Any]) -> list[Event]:
        """Everything up to the first event of that kind."""
        heard = [await self.hear()]
        while not last(heard[-1]):
            heard.append(await self.hear())
        return heard

    async def hear_first(self, kind: str) -> list[Event]:
        """Everything up to the first event of that type."""
        return await self.hear_until(lambda event: event["type"] == kind)

    async def item(self, text: str, **fields: Any) -> None:
        """Put text into the conversation."""
        content = [{"type": "input_text", "text": text}]
        item = {"type": "message", "role": "user", "content": content, **fields}
        await self.tell("conversation.item.create", item=item)

    async def create(self, text: str, **response: Any) -> None:
        """Ask for a response that speaks this and nothing that waits."""
        content = [{"type": "input_text", "text": text}]
        given = [{"type": "message", "role": "user", "content": content}]
        await self.tell("response.create", response={"input": given, **response})

    async def say(self, text: str = "Hello.", **response: Any) -> list[Event]:
        """Speak and hear it to its end."""
        await self.create(text, metadata={"text": text[:100]}, **response)
        return await self.hear_until(
            lambda event: is_done(event) and event["response"]["metadata"]["text"] == text[:100]
        )

    async def closed(self) -> tuple[int | None, str | None]:
        """Wait until the server closes; return its code and reason."""
        async with asyncio.timeout(WAIT_S):
            with contextlib.suppress(ConnectionClosed):
                async for _ in self.link:
                    pass
            await self.link.wait_closed()
        return self.link.close_code, self.link.close_reason


@asynccontextmanager
async def responses(
    server: ServerProcess, query: str = "model=gpt-realtime", **options: Any
) -> AsyncIterator[Responses]:
    """A connection for the length of the block; its first event is still to be heard."""
    url = f"{server.ws_url}/v1/realtime?{query}"
    async with connect(url, proxy=None, max_size=None, close_timeout=1.0, **options) as link:
        yield Responses(link)


def is_done(event: Event) -> bool:
    return event["type"] == "response.done" and event["response"]["metadata"] is not None


def sound(heard: Iterable[Event], response_id: str | None = None) -> bytes:
    """The joined audio, of one response if it is named."""
    deltas = (event for event in heard if event["type"] == DELTA)
    return b"".join(
        base64.b64decode(event["delta"], validate=True)
        for event in deltas
        if response_id is None or event["response_id"] == response_id
    )


def transcript(heard: Iterable[Event]) -> str:
    """The joined words."""
    return "".join(event["delta"] for event in heard if event["type"] == "response.output_audio_transcript.delta")
