"""One WebSocket that stays open for many responses: text in as it is written, audio out, barge-in at any moment."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, InvalidHandshake, InvalidStatus

from syrinx.core.errors import ModelNotReady, Overloaded, SyrinxError, Unauthorized
from syrinx.core.ids import new_id

from .address import is_loopback, socket_address
from .events import RealtimeEvent, parse_event
from .refusals import DEFAULT_RETRY_S

PATH = "/v1/audio/speech/stream/ws"
OPEN_TIMEOUT_S = 10.0
MAX_EVENT_BYTES = 4 * 1024 * 1024
"""Longest event accepted from a server: far beyond any delta of WS_BUFFER_BYTES."""


@dataclass(frozen=True, slots=True)
class SessionSetup:
    """Defaults of the connection; None leaves what is in force."""

    voice: str | None = None
    audio_format: str | None = None
    sample_rate: int | None = None


class RealtimeSpeech:
    """A session: ``async with RealtimeSpeech(url) as speech:`` then call its methods and read it with ``async for``."""

    def __init__(self, url: str = "http://127.0.0.1:8000", api_key: str = "") -> None:
        """Raises ``InvalidRequest`` if ``url`` is no address."""
        self.url = socket_address(url)
        self._api_key = api_key
        self._socket: ClientConnection | None = None

    async def connect(self) -> RealtimeSpeech:
        """Open the connection. Raises ``ModelNotReady`` when there is no server, ``Unauthorized`` when it says so."""
        headers = {"Authorization": f"Bearer {self._api_key}"} if self._api_key else None
        try:
            self._socket = await connect(
                self.url + PATH,
                additional_headers=headers,
                compression=None,
                max_size=MAX_EVENT_BYTES,
                open_timeout=OPEN_TIMEOUT_S,
                proxy=None if is_loopback(self.url) else True,
            )
        except InvalidStatus as error:
            if error.response.status_code in (401, 403):
                raise Unauthorized(f"{self.url} refused the connection: the key is missing or wrong.") from None
            raise ModelNotReady(f"{self.url} answered {error.response.status_code}.") from None
        except (OSError, InvalidHandshake, TimeoutError) as error:
            raise ModelNotReady(f"No server could be reached at {self.url} ({error}).") from None
        return self

    async def update(self, setup: SessionSetup) -> None:
        """Change the connection's defaults; answered by ``SessionUpdated``."""
        wanted = {"format": setup.audio_format, "sample_rate": setup.sample_rate}
        audio = {name: value for name, value in wanted.items() if value is not None}
        session: dict[str, Any] = {"voice": setup.voice} if setup.voice is not None else {}
        await self._send({"type": "session.update", "session": {**session, **({"audio": audio} if audio else {})}})

    async def create(
        self, text: str, *, voice: str | None = None, speed: float | None = None, response: str | None = None
    ) -> str:
        """Ask for ``text`` as one response and return its id (made up unless given). Responses are spoken in order."""
        response = response or new_id("resp")
        optional = {"voice": voice, "speed": speed}
        given = {name: value for name, value in optional.items() if value is not None}
        await self._send({"type": "response.create", "response_id": response, "input": text, **given})
        return response

    async def append(self, text: str) -> None:
        """Add text, token by token if you like; it is spoken as soon as there is enough of it to sound right."""
        await self._send({"type": "input.append", "text": text})

    async def commit(self) -> None:
        """The appended text is complete: speak all of it and finish that response."""
        await self._send({"type": "input.commit"})

    async def cancel(self, response: str) -> None:
        """Stop one response; answered by ``Canceled``."""
        await self._send({"type": "response.cancel", "response": response})

    async def barge(self) -> None:
        """The user speaks: stop everything of this connection and drop what was appended."""
        await self._send({"type": "barge"})

    async def end(self) -> None:
        """No more input; what is queued is spoken, then the server closes and the iteration ends."""
        await self._send({"type": "session.end"})

    async def close(self) -> None:
        """Leave now; running responses are stopped by the server."""
        if self._socket is not None:
            await self._socket.close()

    def __aiter__(self) -> AsyncIterator[RealtimeEvent]:
        return self

    async def __anext__(self) -> RealtimeEvent:
        """The next event. Ends when the server closed normally; raises what its close code means otherwise."""
        try:
            return parse_event(await self._open_socket().recv())
        except ConnectionClosedOK:
            raise StopAsyncIteration from None
        except ConnectionClosed as error:
            raise self._closed(error) from None

    async def __aenter__(self) -> RealtimeSpeech:
        return await self.connect()

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def _send(self, message: dict[str, Any]) -> None:
        try:
            await self._open_socket().send(json.dumps(message))
        except ConnectionClosed as error:
            raise self._closed(error) from None

    def _open_socket(self) -> ClientConnection:
        if self._socket is None:
            raise ModelNotReady("Not connected: use `async with`, or await connect() first.")
        return self._socket

    def _closed(self, error: ConnectionClosed) -> SyrinxError:
        code, reason = (error.rcvd.code, error.rcvd.reason) if error.rcvd else (1006, "the connection broke")
        message = f"{self.url} closed the connection: {reason or code}."
        if code == 1008:
            return Unauthorized(message)
        if code == 1013:
            return Overloaded(message, DEFAULT_RETRY_S)
        return ModelNotReady(message)
