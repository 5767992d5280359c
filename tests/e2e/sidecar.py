"""A client of the desktop sidecar that knows nothing of the server but its documented messages, over real sockets."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.e2e.probe import until
from tests.e2e.talk import WAIT_S
from tests.fakes.server_process import ServerProcess

TOKEN = "sidecar-token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
ENDS = ("JOB_DONE", "JOB_CANCELED", "JOB_ERROR")
UNKNOWN = "00000000-0000-4000-8000-000000000000"

Event = dict[str, Any]


class Sidecar:
    """One server and a token for it."""

    def __init__(self, http: httpx.AsyncClient, token: str = TOKEN) -> None:
        self.http = http
        self.token = token

    async def post(self, path: str, **fields: Any) -> httpx.Response:
        return await self.http.post(path, json=fields)

    async def speak(self, text: str, voice_id: Any = "0", language: str | None = None, **settings: Any) -> Event:
        """Begin a job; returns ``{"job_id", "ws_url"}``."""
        body: dict[str, Any] = {"voice_id": voice_id, "text": text, "settings": settings}
        if language is not None:
            body["language"] = language
        answer = await self.http.post("/v1/speak", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def say(self, text: str, voice_id: Any = "0", language: str | None = None, **settings: Any) -> list[Event]:
        """Begin a job and hear all of it."""
        return await self.hear(await self.speak(text, voice_id, language, **settings))

    async def hear(self, job: Event) -> list[Event]:
        """Every event of a job, from its beginning to the normal close."""
        async with self.listen(job) as link:
            return await rest(link)

    def listen(self, job: Event, **options: Any) -> connect:
        """Open the job's socket, with the header."""
        headers = {"Authorization": f"Bearer {self.token}"}
        return connect(
            job["ws_url"], additional_headers=headers, proxy=None, max_size=None, close_timeout=1.0, **options
        )

    def stream_url(self, job_id: str) -> str:
        return f"ws://{urlsplit(str(self.http.base_url)).netloc}/v1/stream/{job_id}"

    async def closed_with(self, url: str, **options: Any) -> tuple[int | None, str | None]:
        """Open a socket; return the code that the server closes it with, and the subprotocol it chose."""
        async with connect(url, proxy=None, **options) as link:
            async with asyncio.timeout(WAIT_S):
                await link.wait_closed()
            return link.close_code, link.subprotocol


@asynccontextmanager
async def sidecar(url: str, token: str = TOKEN) -> AsyncIterator[Sidecar]:
    """A client for the length of the block."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=WAIT_S) as http:
        yield Sidecar(http, token)


async def idle(server: ServerProcess) -> None:
    """Wait until no model works on anything."""

    def nothing_runs() -> bool:
        answer = httpx.get(f"{server.url}/metrics", headers=BEARER, trust_env=False, timeout=WAIT_S)
        lines = [line for line in answer.text.splitlines() if line.startswith("syrinx_running_jobs{")]
        return bool(lines) and all(float(line.split()[-1]) == 0 for line in lines)

    await until(nothing_runs, "an idle model")


async def next_of(link: ClientConnection) -> Event:
    async with asyncio.timeout(WAIT_S):
        return json.loads(await link.recv())


async def rest(link: ClientConnection) -> list[Event]:
    """Every event up to the close, which must be normal."""
    events: list[Event] = []
    with contextlib.suppress(ConnectionClosed):
        while True:
            events.append(await next_of(link))
    assert link.close_code == 1000, (link.close_code, link.close_reason)
    return events


@asynccontextmanager
async def slow_listener(side: Sidecar, job: Event) -> AsyncIterator[ClientConnection]:
    """A listener that takes in next to nothing until it is read: small buffers, one message of queue."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    raw.setblocking(False)
    address = urlsplit(job["ws_url"])
    await asyncio.get_running_loop().sock_connect(raw, (address.hostname, address.port))
    link = await side.listen(job, sock=raw, max_queue=1)
    try:
        yield link
    finally:
        link.transport.abort()
        async with asyncio.timeout(WAIT_S):
            await link.wait_closed()


def kinds(events: Iterable[Event]) -> list[str]:
    return [event["type"] for event in events]


def chunks(events: Iterable[Event]) -> list[Event]:
    return [event for event in events if event["type"] == "AUDIO_CHUNK"]


def pcm(events: Iterable[Event]) -> bytes:
    """All audio, joined."""
    return b"".join(base64.b64decode(event["audio"]["data_base64"], validate=True) for event in chunks(events))


def sound(events: Iterable[Event]) -> np.ndarray:
    """All audio as floats."""
    return np.frombuffer(pcm(events), "<i2").astype(np.float64) / 32768


def ranges(events: Iterable[Event]) -> list[tuple[int, int, int]]:
    """The text ranges in order, each once: (chunk index, start, end)."""
    found: dict[tuple[int, int, int], None] = {}
    for event in chunks(events):
        told = event["text_range"]
        found[told["chunk_index"], told["start_char"], told["end_char"]] = None
    return list(found)


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check the envelope of an error; returns what is in it."""
    assert answer.status_code == status, (answer.status_code, answer.text[:500])
    assert set(answer.json()) == {"error"}
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "details"} and error["message"] and isinstance(error["details"], dict)
    assert error["code"] == code, error
    return error
