"""The page's server reduced to what the page can see: its files, the voice list and the Realtime-style socket.

It exists for what a real server does not do on demand: refuse one request in a set way, and pace audio slowly.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import http
import json
import mimetypes
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

import syrinx

RATE = 24000
FRAME_S = 0.04
WAIT_S = 20.0
PRIMER_BYTES = 24_000
"""Half a second of silence before the speech: far more than a real server sends, so that playing it would show."""
WEB = Path(syrinx.__file__).parent / "web"


VOICES = (
    {"id": "en", "name": "English", "model": "fake", "languages": ["en-US", "en"], "gender": "male"},
    {"id": "en+f", "name": "English, softly", "model": "fake", "languages": ["en-US", "en"], "gender": "female"},
    {"id": "pt", "name": "Português", "model": "fake", "languages": ["pt"], "gender": ""},
    {"id": "de", "name": "German", "model": "fake", "languages": ["de"], "gender": "male"},
    {"id": "5ad0", "name": "Grandmother", "model": "fake", "languages": ["en"], "gender": "", "cloned": True},
)
SECONDS_PER_CHAR = 0.065


class PageServer:
    """Serves on a free loopback port in a thread of its own, from ``start`` to ``stop``."""

    def __init__(self, key: str = "", port: int = 0, prefix: str = "") -> None:
        self.key = key
        self.port = port
        self.prefix = prefix
        """What a proxy in front would put before every path, such as ``/voice``."""
        self.refuses: tuple[int, str] | None = None
        """Close code and reason for every connection."""
        self.loading = ""
        """Why the model is not ready; empty: it is."""
        self.received: list[dict[str, Any]] = []
        """Every message of every connection, in order."""
        self.refusals: list[dict[str, Any]] = []
        """Answers for the next requests, instead of audio."""
        self.pace_x = 10.0
        """Seconds of audio sent per second."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.prefix}/"

    def start(self) -> PageServer:
        self._thread.start()
        assert self._ready.wait(10), "the fake server did not start"
        return self

    def stop(self) -> None:
        assert self._loop is not None and self._stop is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def kinds(self) -> list[str]:
        return [message["type"] for message in self.received]

    def wait_for(self, condition: Callable[[list[str]], bool]) -> None:
        """Wait until the kinds of what was received are as they should be."""
        deadline = time.monotonic() + WAIT_S
        while not condition(self.kinds()):
            assert time.monotonic() < deadline, f"never came: {self.kinds()}"
            time.sleep(0.01)

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        options: dict[str, Any] = {"subprotocols": ["auth.bearer.v1"], "select_subprotocol": _select}
        async with serve(self._talk, "127.0.0.1", self.port, process_request=self._http, **options) as server:
            self.port = _port_of(server)
            self._ready.set()
            await self._stop.wait()

    def _http(self, connection: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if not path.startswith(self.prefix + "/"):
            return _respond("{}", http.HTTPStatus.NOT_FOUND)
        path = path.removeprefix(self.prefix)
        if path == "/v1/audio/speech/stream/ws":
            return None
        if path == "/v1/audio/voices":
            return _respond(json.dumps({"voices": VOICES}))
        if path == "/readyz":
            status = http.HTTPStatus.SERVICE_UNAVAILABLE if self.loading else http.HTTPStatus.OK
            return _respond(json.dumps({"detail": self.loading}), status)
        file = (WEB / (path.lstrip("/") or "index.html")).resolve()
        if not file.is_file() or not file.is_relative_to(WEB):
            return _respond("{}", http.HTTPStatus.NOT_FOUND)
        return _respond(file.read_bytes(), content_type=mimetypes.guess_type(file.name)[0] or "text/plain")

    def _allowed(self, connection: ServerConnection) -> bool:
        request = connection.request
        assert request is not None
        offered = request.headers.get("Sec-WebSocket-Protocol", "")
        return self.key == "" or self.key in [name.strip() for name in offered.split(",")]

    async def _talk(self, connection: ServerConnection) -> None:
        if not self._allowed(connection):
            await connection.close(1008, "The key is wrong.")
            return
        if self.refuses is not None:
            await connection.close(*self.refuses)
            return
        with contextlib.suppress(ConnectionClosed):
            await self._serve(connection)

    async def _serve(self, connection: ServerConnection) -> None:
        speaking: dict[str, asyncio.Task[None]] = {}
        marks = False
        turn = asyncio.Lock()
        async for text in connection:
            message = json.loads(text)
            self.received.append(message)
            name = message.get("response_id", "")
            if message["type"] == "session.update":
                marks = message["session"].get("marks", marks)
                await _send(connection, type="session.updated", session=message["session"])
            elif message["type"] == "response.create" and self.refusals:
                await _send(connection, type="response.error", response=name, **self.refusals.pop(0))
            elif message["type"] == "response.create":
                speaking[name] = asyncio.create_task(self._speak(connection, {**message, "marks": marks}, turn))
            elif message["type"] == "response.cancel" and name in speaking:
                speaking.pop(name).cancel()
                await _send(connection, type="response.canceled", response=name)
        for task in speaking.values():
            task.cancel()

    async def _speak(self, connection: ServerConnection, message: dict[str, Any], turn: asyncio.Lock) -> None:
        """One after the other, in the order asked for."""
        with contextlib.suppress(ConnectionClosed):
            async with turn:
                await self._send_speech(connection, message)

    async def _send_speech(self, connection: ServerConnection, message: dict[str, Any]) -> None:
        name, text, voice = message["response_id"], message["input"], message.get("voice", "en")
        await _send(connection, type="response.created", response=name, model="fake", voice=voice)
        if message["marks"]:
            await _send(connection, type="response.marks", response=name, marks=_marks(text))
        primer = base64.b64encode(bytes(PRIMER_BYTES)).decode()
        await _send(connection, type="response.output_audio.delta", response=name, delta=primer)
        total = 0
        for _ in range(max(1, round(len(text) * SECONDS_PER_CHAR / FRAME_S))):
            times = np.arange(total, total + int(RATE * FRAME_S)) / RATE
            samples = (8000 * np.cos(2 * np.pi * 440 * times)).astype("<i2")
            total += len(samples)
            delta = base64.b64encode(samples.tobytes()).decode()
            await _send(connection, type="response.output_audio.delta", response=name, delta=delta)
            await asyncio.sleep(FRAME_S / self.pace_x)
        ended = {"duration_s": total / RATE, "total_samples": total}
        await _send(connection, type="response.completed", response=name, **ended)


def _marks(text: str) -> list[dict[str, Any]]:
    """A word sounds when its characters' turn comes."""
    spans = [match.span() for match in re.finditer(r"\S+", text)]
    return [
        {"start": start, "end": end, "start_s": start * SECONDS_PER_CHAR, "end_s": end * SECONDS_PER_CHAR}
        for start, end in spans
    ]


def _select(connection: ServerConnection, offered: Any) -> Any:
    return "auth.bearer.v1" if "auth.bearer.v1" in offered else None


def _port_of(server: Server) -> int:
    return next(iter(server.sockets)).getsockname()[1]


async def _send(connection: ServerConnection, **message: Any) -> None:
    await connection.send(json.dumps(message))


def _respond(
    body: str | bytes, status: http.HTTPStatus = http.HTTPStatus.OK, content_type: str = "application/json"
) -> Response:
    data = body.encode() if isinstance(body, str) else body
    policy = "default-src 'self'; object-src 'none'"
    headers = Headers({"Content-Type": content_type, "Content-Length": str(len(data)), "Connection": "close"})
    headers["Content-Security-Policy"] = policy
    return Response(status.value, status.phrase, headers, data)
