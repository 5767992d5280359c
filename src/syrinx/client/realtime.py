"""One WebSocket that stays open for many responses: text in as it is written, audio out, barge-in at any moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from syrinx.core.errors import ModelNotReady
from syrinx.core.ids import new_id

from .address import socket_address
from .events import RealtimeEvent, parse_event
from .link import Link, bearer, open_link

PATH = "/v1/audio/speech/stream/ws"


@dataclass(frozen=True, slots=True)
class SessionSetup:
    """Defaults of the connection; None leaves what is in force."""

    voice: str | None = None
    audio_format: str | None = None
    sample_rate: int | None = None
    marks: bool | None = None
    """Whether to be told when each word is spoken, by ``Marks``."""


class RealtimeSpeech:
    """A session: ``async with RealtimeSpeech(url) as speech:`` then call its methods and read it with ``async for``."""

    def __init__(self, url: str = "http://127.0.0.1:8000", api_key: str = "", *, wait_s: float | None = None) -> None:
        """``wait_s``: longest wait for an event; None: as long as the connection lasts.

        Raises ``InvalidRequest`` if ``url`` is no address.
        """
        self.url = socket_address(url)
        self._api_key = api_key
        self._wait_s = wait_s
        self._link: Link | None = None

    async def connect(self) -> RealtimeSpeech:
        """Open the connection. Raises ``ModelNotReady`` when there is no server, ``Unauthorized`` when it says so."""
        self._link = await open_link(self.url + PATH, headers=bearer(self._api_key))
        return self

    async def update(self, setup: SessionSetup) -> None:
        """Change the connection's defaults; answered by ``SessionUpdated``."""
        wanted = {"format": setup.audio_format, "sample_rate": setup.sample_rate}
        audio = {name: value for name, value in wanted.items() if value is not None}
        session: dict[str, Any] = {"voice": setup.voice} if setup.voice is not None else {}
        session |= {"audio": audio} if audio else {}
        session |= {"marks": setup.marks} if setup.marks is not None else {}
        await self._send({"type": "session.update", "session": session})

    async def create(
        self,
        text: str,
        *,
        voice: str | None = None,
        speed: float | None = None,
        response: str | None = None,
        cache: bool | None = None,
    ) -> str:
        """Ask for ``text`` as one response and return its id (made up unless given). Responses are spoken in order.

        ``cache``: whether its audio may come from the response cache; None: as the server's settings say.
        """
        response = response or new_id("resp")
        optional = {"voice": voice, "speed": speed, "cache": cache}
        given = {name: value for name, value in optional.items() if value is not None}
        await self._send({"type": "response.create", "response_id": response, "input": text, **given})
        return response

    async def append(self, text: str) -> None:
        """Add text, token by token if you like; it is spoken as soon as there is enough of it to sound right."""
        await self._send({"type": "input.append", "text": text})

    async def commit(self) -> None:
        """The appended text is complete: speak all of it and finish that response."""
        await self._send({"type": "input.commit"})

    async def cancel(self, response: str, played_s: float | None = None) -> None:
        """Stop one response; answered by ``Canceled``. ``played_s``: seconds of its audio that were played, where that
        is known; else the server judges by what it sent when."""
        await self._send({"type": "response.cancel", "response": response, **_played(played_s)})

    async def barge(self, response: str | None = None, played_s: float | None = None) -> None:
        """The user speaks: stop everything of this connection and drop what was appended. Answered by ``Canceled`` for
        each response that was not completed, and by ``Interrupted`` for each that was and was not all heard.

        ``response``: the one that is being played, and ``played_s`` seconds of it: those before it were heard, those
        behind it not. Without them the server judges by what it sent when.
        """
        named = {} if response is None else {"response": response}
        await self._send({"type": "barge", "heard": True, **named, **_played(played_s)})

    async def end(self) -> None:
        """No more input; what is queued is spoken, then the server closes and the iteration ends."""
        await self._send({"type": "session.end"})

    async def close(self) -> None:
        """Leave now; running responses are stopped by the server."""
        if self._link is not None:
            await self._link.close()

    def __aiter__(self) -> AsyncIterator[RealtimeEvent]:
        return self

    async def __anext__(self) -> RealtimeEvent:
        """The next event. Ends when the server closed normally; raises what its close code means otherwise."""
        message = await self._open_link().receive(self._wait_s)
        if message is None:
            raise StopAsyncIteration
        return parse_event(message)

    async def __aenter__(self) -> RealtimeSpeech:
        return await self.connect()

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def _send(self, message: dict[str, Any]) -> None:
        await self._open_link().send(message)

    def _open_link(self) -> Link:
        if self._link is None:
            raise ModelNotReady("Not connected: use `async with`, or await connect() first.")
        return self._link


def _played(played_s: float | None) -> dict[str, float]:
    return {} if played_s is None else {"played_s": played_s}
