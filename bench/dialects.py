"""One client per dialect, each as thin as can be: ask for a text, tell when its first audible sample arrived."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from bench.harness import HOST, SOCKET_PATH, SPEECH_PATH, has_audible
from bench.http import HttpClient

ANSWER_WAIT_S = 20.0
MAX_FRAME_BYTES = 16 * 1024 * 1024
AUDIBLE = 0.001
"""Of float samples: -60 dBFS."""


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


class SocketAsker:
    """A WebSocket dialect: what to send, and how to read what comes."""

    def __init__(self, name: str, path: str, request: Callable[[str], dict[str, Any]], ends: tuple[str, ...]) -> None:
        self.name = name
        self._path = path
        self._request = request
        self._ends = ends
        self._turn: _Turn | None = None

    async def open(self, port: int) -> None:
        url = f"ws://{HOST}:{port}{self._path}"
        self._transport, _ = await ws_connect(lambda: _Listener(self._take), url, max_frame_size=MAX_FRAME_BYTES)

    async def ask(self, text: str) -> float:
        self._turn = _Turn()
        self._transport.send(WSMsgType.TEXT, json.dumps(self._request(text)).encode())
        return await self._turn.seconds()

    async def close(self) -> None:
        self._transport.disconnect(graceful=False)
        await asyncio.gather(self._transport.wait_disconnected(), return_exceptions=True)

    def _take(self, message: Message) -> None:
        turn = self._turn
        if turn is None or turn.over.done():
            return
        if isinstance(message, bytes):
            turn.heard(self._audible(message))
            return
        event = json.loads(message)
        if "delta" in event:
            turn.heard(has_audible(base64.b64decode(event["delta"])))
        elif event["type"] in self._ends:
            turn.over.set_result(None)
        elif "error" in event["type"]:
            turn.over.set_exception(RuntimeError(message))

    def _audible(self, data: bytes) -> bool:
        return has_audible(data)


class FloatSocketAsker(SocketAsker):
    """Likewise, with float32 samples."""

    def _audible(self, data: bytes) -> bool:
        return bool((np.abs(np.frombuffer(data, "<f4")) >= AUDIBLE).any())


class HttpAsker:
    """An HTTP dialect that streams 16-bit PCM."""

    def __init__(self, name: str, path: str, body: Callable[[str], dict[str, Any]]) -> None:
        self.name = name
        self._path = path
        self._body = body

    async def open(self, port: int) -> None:
        self._client = await HttpClient(port).__aenter__()

    async def ask(self, text: str) -> float:
        began, audible_at = time.perf_counter(), 0.0
        async for piece in self._client.post(self._path, self._body(text)):
            if not audible_at and has_audible(piece[: len(piece) // 2 * 2]):
                audible_at = time.perf_counter()
        if not audible_at:
            raise RuntimeError("no audible speech came")
        return audible_at - began

    async def close(self) -> None:
        await self._client.__aexit__(None, None, None)


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


def every_dialect() -> list[Asker]:
    """A client of each dialect that speaks 24 kHz PCM."""
    numbers = iter(range(10**9))
    return [
        SocketAsker(
            "realtime",
            SOCKET_PATH,
            lambda text: {"type": "response.create", "response_id": str(next(numbers)), "input": text},
            ("response.completed",),
        ),
        SocketAsker("orpheus", SOCKET_PATH, lambda text: {"text": text, "segment_id": str(next(numbers))}, ("end",)),
        FloatSocketAsker(
            "chatterbox", "/v1/stream/tts", lambda text: {"type": "synthesize", "text": text}, ("synthesis_complete",)
        ),
        SidecarAsker(),
        HttpAsker("openai HTTP", SPEECH_PATH, lambda text: {"input": text, "response_format": "pcm"}),
        HttpAsker("orpheus HTTP", "/v1/audio/speech/stream", lambda text: {"text": text}),
        HttpAsker("chatterbox HTTP", "/v1/synthesize", lambda text: {"text": text, "format": "pcm"}),
    ]
