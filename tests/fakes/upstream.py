"""Another server with OpenAI's speech API, on the loopback address, that does as it is told: well, badly, or slowly."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from syrinx.models.base import ModelInfo
from syrinx.models.upstream.backend import UpstreamBackend
from syrinx.models.upstream.options import UpstreamOptions

RATE = 24_000
PIECE_S = 0.1
"""Audio of one piece that it sends."""
SECONDS_PER_CHAR = 0.065
VOICES: Mapping[str, Any] = {
    "voices": [{"id": "ann", "name": "Ann", "languages": ["en-GB"], "gender": "female"}, "bob"],
    "uploaded_voices": [{"name": "cyd"}],
}


@dataclass(frozen=True, slots=True)
class Manner:
    """How it answers requests for speech."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    """Instead of speech."""
    media_type: str = ""
    """Empty: that of what it sends."""
    pace_s: float = 0.0
    """Between pieces."""
    breaks_after: int | None = None
    """Pieces, and then the connection is cut."""
    ends_after: int | None = None
    """Pieces, and then the answer ends as if that were all."""
    stalls_after: int | None = None
    """Pieces, and then nothing."""
    odd: bool = False
    """One byte more than whole samples."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any


class FakeUpstream:
    """Runs from ``start`` to ``stop`` in a thread of its own."""

    def __init__(self) -> None:
        self.manner = Manner()
        self.lists: dict[str, Any] = {"/v1/audio/voices": VOICES, "/v1/models": {"data": [{"id": "talker"}]}}
        """What GET answers, by path; what is not here is not found."""
        self.key = ""
        """Which it asks for; empty: none."""
        self.asked: list[Asked] = []
        self.running = 0
        """Requests for speech that are being answered now."""
        self.most = 0
        """Most of them at once."""
        self.pieces = 0
        """Sent in all."""
        self.dropped = threading.Event()
        """Somebody hung up before the end."""
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def bodies(self) -> list[Any]:
        """Of the requests for speech."""
        return [asked.body for asked in self.asked if asked.method == "POST"]

    def start(self) -> FakeUpstream:
        self._thread.start()
        self._started.wait(10)
        return self

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def __enter__(self) -> FakeUpstream:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    # --- the server -------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        server = self._loop.run_until_complete(asyncio.start_server(self._connection, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        try:
            self._loop.run_forever()
        finally:
            server.close()
            self._loop.run_until_complete(_end_others())
            self._loop.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (asked := await _request(reader)) is not None:
                self.asked.append(asked)
                await self._answer(asked, reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    async def _answer(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.key and asked.headers.get("authorization") != f"Bearer {self.key}":
            body = {"error": {"message": f"Incorrect key: {asked.headers.get('authorization')}", "code": "bad_key"}}
            return _send(writer, 401, json.dumps(body).encode())
        if asked.method == "GET":
            found = self.lists.get(asked.path)
            return _send(writer, 404 if found is None else 200, json.dumps(found).encode())
        manner = self.manner
        if manner.body is not None or manner.status != 200:
            return _send(writer, manner.status, manner.body or b"", manner.media_type, manner.headers)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self._speak(asked.body, manner, reader, writer)
        finally:
            self.running -= 1

    async def _speak(
        self, body: Any, manner: Manner, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        events = body.get("stream_format") == "sse"
        kind = manner.media_type or ("text/event-stream" if events else "audio/pcm")
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        gone = asyncio.ensure_future(reader.read(1))
        try:
            for number, piece in enumerate(spoken(body, manner.odd)):
                if number == manner.breaks_after:
                    return writer.transport.abort()
                if number == manner.ends_after:
                    break
                pace_s = 3600.0 if number == manner.stalls_after else manner.pace_s
                await asyncio.wait([gone], timeout=pace_s)
                if gone.done():
                    self.dropped.set()
                    raise ConnectionResetError
                self.pieces += 1
                await _chunk(writer, _event({"type": "speech.audio.delta"}, piece) if events else piece)
            else:
                if events:
                    await _chunk(writer, _event({"type": "speech.audio.done", "usage": {}}))
            await _chunk(writer, b"")
        finally:
            gone.cancel()
            await asyncio.wait([gone])


def spoken(body: Any, odd: bool = False) -> Iterator[bytes]:
    """What it says, in pieces: a voice is a pitch; the same request is the same sound."""
    seconds = max(0.4, len(body["input"]) * SECONDS_PER_CHAR) / body.get("speed", 1.0)
    times = np.arange(int(seconds * body.get("sample_rate", RATE))) / RATE
    pitch = 200 + sum(map(ord, body["voice"])) % 100
    data = (8000 * np.sin(2 * np.pi * pitch * times)).astype("<i2").tobytes() + b"\0" * odd
    size = int(PIECE_S * RATE) * 2 - 1  # so that samples are cut in two
    return (data[start : start + size] for start in range(0, len(data), size))


async def _end_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)  # their transports close in the next turn


async def _request(reader: asyncio.StreamReader) -> Asked | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    data = await reader.readexactly(int(headers.get("content-length", 0)))
    method, path, _ = first.split(" ")
    return Asked(method, path, headers, json.loads(data) if data else None)


def _send(
    writer: asyncio.StreamWriter, status: int, body: bytes, kind: str = "", headers: Mapping[str, str] | None = None
) -> None:
    lines = [f"HTTP/1.1 {status} Said", f"Content-Type: {kind or 'application/json'}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)


def _event(event: dict[str, Any], audio: bytes | None = None) -> bytes:
    if audio is not None:
        event = {**event, "audio": base64.b64encode(audio).decode()}
    return b"data: " + json.dumps(event).encode() + b"\n\n"


async def _chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
    await writer.drain()


class WithUpstream(UpstreamBackend):
    """The backend with a server of its own, which lives as long as it is loaded."""

    def __init__(self, stream_format: str = "audio") -> None:
        self.upstream = FakeUpstream()
        self._format = stream_format

    def load(self) -> ModelInfo:
        url = self.upstream.start().url
        super().__init__(UpstreamOptions(base_url=url, concurrency=3, stream_format=self._format))  # type: ignore[arg-type]
        return super().load()

    def unload(self) -> None:
        super().unload()
        self.upstream.stop()
