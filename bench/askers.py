"""Clients of every kind of wire, each as thin as can be: ask for a text, tell when its first audible sample arrived."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from bench.harness import HOST, has_audible
from bench.http import HttpClient

ANSWER_WAIT_S = 20.0
MAX_FRAME_BYTES = 16 * 1024 * 1024
AUDIBLE = 0.001
"""Of float samples: -60 dBFS."""
WAV_HEADER_BYTES = 44


class Asker(Protocol):
    """One connected client of one dialect."""

    name: str

    async def open(self, port: int) -> None: ...
    async def ask(self, text: str) -> float:
        """Seconds from the request to the message with the first audible sample; returns after the last one."""
        ...

    async def close(self) -> None: ...


Message = str | bytes


class _Listener(WSListener):
    def __init__(self, take: Callable[[Message], None]) -> None:
        self._take = take

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            self._take(frame.get_payload_as_utf8_text())
        elif frame.msg_type == WSMsgType.BINARY:
            self._take(frame.get_payload_as_bytes())
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()


class _Turn:
    """One request: when it was sent, when it became audible, when it was over."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.audible_at = 0.0
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def heard(self, audible: bool) -> None:
        if audible and not self.audible_at:
            self.audible_at = time.perf_counter()

    async def seconds(self) -> float:
        async with asyncio.timeout(ANSWER_WAIT_S):
            await self.over
        if not self.audible_at:
            raise RuntimeError("no audible speech came")
        return self.audible_at - self.began


@dataclass(frozen=True, slots=True)
class Wire:
    """A WebSocket dialect: what is sent, and what of its JSON is sound, an end, a failure."""

    path: str
    request: Callable[[str], Sequence[dict[str, Any]]]
    """The messages that ask for a text. The clock starts before the first."""
    is_over: Callable[[dict[str, Any]], bool]
    is_error: Callable[[dict[str, Any]], bool]
    sound: Callable[[dict[str, Any]], str | None] = lambda _: None
    """The message's 16-bit samples in base64, where it has some. Binary messages are sound in any case."""
    opening: Sequence[dict[str, Any]] = ()
    """What a client says once, before it has anything to speak."""
    is_open: Callable[[dict[str, Any]], bool] | None = None
    """The answer to that, which is waited for."""
    once: bool = False
    """The server closes behind each utterance: the next one has a connection of its own, opened beforehand."""


class SocketAsker:
    """A client of a WebSocket dialect."""

    def __init__(self, name: str, wire: Wire) -> None:
        self.name = name
        self._wire = wire
        self._turn: _Turn | None = None

    async def open(self, port: int) -> None:
        self._port = port
        self._opened = asyncio.get_running_loop().create_future()
        url = f"ws://{HOST}:{port}{self._wire.path}"
        self._transport, _ = await ws_connect(lambda: _Listener(self._take), url, max_frame_size=MAX_FRAME_BYTES)
        for message in self._wire.opening:
            self._send(message)
        if self._wire.is_open is not None:
            async with asyncio.timeout(ANSWER_WAIT_S):
                await self._opened

    async def ask(self, text: str) -> float:
        messages = self._wire.request(text)
        turn = self._turn = _Turn()
        for message in messages:
            self._send(message)
        took = await turn.seconds()
        if self._wire.once:
            await self.close()
            await self.open(self._port)
        return took

    async def close(self) -> None:
        self._transport.disconnect(graceful=False)
        await asyncio.gather(self._transport.wait_disconnected(), return_exceptions=True)

    def _send(self, message: dict[str, Any]) -> None:
        self._transport.send(WSMsgType.TEXT, json.dumps(message).encode())

    def _take(self, message: Message) -> None:
        turn = self._turn
        if isinstance(message, bytes):
            if turn is not None and not turn.over.done():
                turn.heard(self._audible(message))
            return
        event = json.loads(message)
        if self._wire.is_open is not None and not self._opened.done() and self._wire.is_open(event):
            self._opened.set_result(None)
        elif turn is not None and not turn.over.done():
            self._read(turn, event)

    def _read(self, turn: _Turn, event: dict[str, Any]) -> None:
        if self._wire.is_error(event):
            turn.over.set_exception(RuntimeError(json.dumps(event)))
            return
        if sound := self._wire.sound(event):
            turn.heard(has_audible(base64.b64decode(sound)))
        if self._wire.is_over(event):
            turn.over.set_result(None)

    def _audible(self, data: bytes) -> bool:
        return has_audible(data)


class FloatSocketAsker(SocketAsker):
    """Likewise, with float32 samples."""

    def _audible(self, data: bytes) -> bool:
        return bool((np.abs(np.frombuffer(data, "<f4")) >= AUDIBLE).any())


class HttpAsker:
    """An HTTP dialect that streams 16-bit PCM, behind a header of ``header_bytes``."""

    def __init__(self, name: str, path: str, body: Callable[[str], dict[str, Any]], header_bytes: int = 0) -> None:
        self.name = name
        self._path = path
        self._body = body
        self._header_bytes = header_bytes

    async def open(self, port: int) -> None:
        self._client = await HttpClient(port).__aenter__()

    async def ask(self, text: str) -> float:
        began, audible_at, skip = time.perf_counter(), 0.0, self._header_bytes
        async for piece in self._client.post(self._path, self._body(text)):
            sound, skip = piece[skip:], max(0, skip - len(piece))
            if not audible_at and has_audible(sound[: len(sound) // 2 * 2]):
                audible_at = time.perf_counter()
        if not audible_at:
            raise RuntimeError("no audible speech came")
        return audible_at - began

    async def close(self) -> None:
        await self._client.__aexit__(None, None, None)


class WyomingAsker:
    """Wyoming, whose events are a line of JSON each, more JSON where it says so, and sound where it says so."""

    name = "wyoming"

    async def open(self, port: int) -> None:
        """``port``: of the Wyoming server."""
        self._reader, self._writer = await asyncio.open_connection(HOST, port)

    async def ask(self, text: str) -> float:
        turn = _Turn()
        self._writer.write(json.dumps({"type": "synthesize", "data": {"text": text}}).encode() + b"\n")
        async with asyncio.timeout(ANSWER_WAIT_S):
            while True:
                kind, payload = await self._event()
                if kind == "audio-chunk":
                    turn.heard(has_audible(payload))
                elif kind == "audio-stop":
                    turn.over.set_result(None)
                    return await turn.seconds()
                elif kind == "error":
                    raise RuntimeError(str(payload))

    async def close(self) -> None:
        self._writer.close()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)

    async def _event(self) -> tuple[str, bytes]:
        """Its type, and its sound or what else it says."""
        head = json.loads(await self._reader.readline())
        data = await self._reader.readexactly(head.get("data_length") or 0)
        return head["type"], await self._reader.readexactly(head.get("payload_length") or 0) or data


class SidecarAsker:
    """The desktop sidecar's dialect: POST a job, open a WebSocket of its own for it."""

    name = "sidecar"

    async def open(self, port: int) -> None:
        self._port = port
        self._client = await HttpClient(port).__aenter__()
        self.handshakes: list[float] = []
        """Seconds that opening each WebSocket took, which this dialect cannot do beforehand."""

    async def ask(self, text: str) -> float:
        turn = _Turn()
        answer = b"".join([piece async for piece in self._client.post("/v1/speak", {"text": text})])
        began = time.perf_counter()
        transport, _ = await ws_connect(
            lambda: _Listener(lambda message: self._take(turn, message)), json.loads(answer)["ws_url"]
        )
        self.handshakes.append(time.perf_counter() - began)
        try:
            return await turn.seconds()
        finally:
            transport.disconnect(graceful=False)
            await asyncio.gather(transport.wait_disconnected(), return_exceptions=True)

    async def close(self) -> None:
        await self._client.__aexit__(None, None, None)

    def _take(self, turn: _Turn, message: Message) -> None:
        event = json.loads(message)
        if event["type"] == "AUDIO_CHUNK":
            turn.heard(has_audible(base64.b64decode(event["audio"]["data_base64"])))
        elif event["type"] == "JOB_DONE":
            turn.over.set_result(None)
        elif event["type"] != "JOB_STARTED":
            turn.over.set_exception(RuntimeError(str(message)))
