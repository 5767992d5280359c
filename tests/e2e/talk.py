"""A Realtime-style client that knows nothing of the server but its documented messages, over a real socket."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.fakes.server_process import ServerProcess

PATH = "/v1/audio/speech/stream/ws"
WAIT_S = 20.0
"""Longest wait for anything that a machine that is not stuck does at once."""
RATE = 24_000
"""Hertz of the dialect's default format."""
ENDS = ("response.completed", "response.canceled", "response.error")
DELTA = "response.output_audio.delta"

Event = dict[str, Any]


class Talk:
    """One connection."""

    def __init__(self, link: ClientConnection) -> None:
        self.link = link

    async def tell(self, kind: str, **fields: Any) -> None:
        await self.link.send(json.dumps({"type": kind, **fields}))

    async def create(self, response_id: str, text: str, **fields: Any) -> None:
        await self.tell("response.create", response_id=response_id, input=text, **fields)

    async def hear(self, wait_s: float = WAIT_S) -> Event:
        async with asyncio.timeout(wait_s):
            return json.loads(await self.link.recv())

    async def hear_end(self, response_id: str) -> list[Event]:
        """Everything up to the end of that response."""
        heard = [await self.hear()]
        while not (heard[-1]["type"] in ENDS and heard[-1].get("response") == response_id):
            heard.append(await self.hear())
        return heard

    async def hear_first(self, kind: str, wait_s: float = WAIT_S) -> list[Event]:
        """Everything up to the first event of that kind, each within ``wait_s``."""
        heard = [await self.hear(wait_s)]
        while heard[-1]["type"] != kind:
            heard.append(await self.hear(wait_s))
        return heard

    async def say(self, response_id: str, text: str, **fields: Any) -> list[Event]:
        """Ask for a response and hear all of it."""
        await self.create(response_id, text, **fields)
        return await self.hear_end(response_id)

    async def closed(self) -> int | None:
        """Wait until the server closes; return its code."""
        async with asyncio.timeout(WAIT_S):
            with contextlib.suppress(ConnectionClosed):
                async for _ in self.link:
                    pass
            await self.link.wait_closed()
        return self.link.close_code

    def drop(self) -> None:
        """Break the connection off without a word."""
        self.link.transport.abort()


@asynccontextmanager
async def talk(server: ServerProcess, path: str = PATH, **options: Any) -> AsyncIterator[Talk]:
    """A connection for the length of the block."""
    # A short wait for the closing handshake: a client with unread audio never reads the server's part of it.
    async with connect(server.ws_url + path, proxy=None, max_size=None, close_timeout=1.0, **options) as link:
        yield Talk(link)


@asynccontextmanager
async def stalled(server: ServerProcess) -> AsyncIterator[Talk]:
    """A connection whose client takes in next to nothing until it is read: small buffers, one message of queue."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", server.port))
    link = await connect(server.ws_url + PATH, proxy=None, max_size=None, sock=raw, max_queue=1)
    try:
        yield Talk(link)
    finally:
        link.transport.abort()
        async with asyncio.timeout(WAIT_S):
            await link.wait_closed()


def kinds(events: Iterable[Event]) -> list[str]:
    """The kinds of events without their prefix, deltas that follow each other counted once."""
    names: list[str] = []
    for event in events:
        name = event["type"].removeprefix("response.")
        if not (names and names[-1] == name == "output_audio.delta"):
            names.append(name)
    return names


def audio(events: Iterable[Event], response_id: str | None = None) -> bytes:
    """The joined deltas, of one response if it is named."""
    return b"".join(
        base64.b64decode(event["delta"], validate=True)
        for event in events
        if event["type"] == DELTA and (response_id is None or event["response"] == response_id)
    )


def samples(data: bytes) -> np.ndarray:
    """16-bit little-endian PCM as floats, shape (n,)."""
    return np.frombuffer(data, "<i2").astype(np.float64) / 32768


def peak_hz(sound: np.ndarray, rate: int = RATE) -> float:
    """The strongest frequency, Hertz."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(np.argmax(spectrum)) * rate / len(sound)


def harmonics(sound: np.ndarray, count: int = 3, rate: int = RATE) -> tuple[int, ...]:
    """Which of the first ``count`` multiples of the strongest frequency sound at all (over 3 % of it)."""
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    base = int(np.argmax(spectrum))
    levels = {n: spectrum[n * base - n : n * base + n + 1].max(initial=0.0) for n in range(1, count + 1)}
    return tuple(n for n, level in levels.items() if level > 0.03 * levels[1])
