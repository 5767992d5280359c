"""One table of hostile messages over every WebSocket dialect: each is answered in its own words or closed with a code,
none is taken for a fault of the server, and whoever comes next is served."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.exceptions import ConnectionClosed

from syrinx.server.answers import INTERNAL_ERROR
from tests.fakes.live import WAIT_S, live

PATHS = (
    "/v1/audio/speech/stream/ws",
    "/v1/stream/tts",
    "/v1/text-to-speech/eve/stream-input",
    "/v1/text-to-speech/eve/multi-stream-input",
    "/v1/realtime",
    "/tts/websocket",
    "/v1/speak",
)
HOSTILE: dict[str, str | bytes] = {
    "no JSON": "hello",
    "half a JSON object": '{"type":',
    "an array": "[1, 2, 3]",
    "null": "null",
    "nothing": "",
    "a number beyond all": '{"type": 1' + "0" * 400 + ', "text": 1' + "0" * 400 + "}",
    "deep nesting": '{"type":' + "[" * 20_000 + "]" * 20_000 + "}",
    "half a character": b'{"text": "\xc3',
    "a lone surrogate": '{"text": "\\ud83d"}',
    "a kind that is none": '{"type": "no.such.thing", "context_id": 7, "text": 7}',
    "the wrong types": '{"type": {}, "text": [], "input": {}, "context_id": []}',
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("message", HOSTILE.values(), ids=HOSTILE)
async def test_what_nobody_should_send_is_told_and_harms_nobody(path: str, message: str | bytes) -> None:
    async with live() as server:
        async with server.socket(path) as socket:
            await socket.send(message)
            said = ""
            try:
                async with asyncio.timeout(WAIT_S):
                    while not any(word in said.lower() for word in ("error", "warning")):
                        said = str(await socket.recv())
                assert isinstance(json.loads(said), dict)
            except ConnectionClosed:
                assert socket.close_code not in (None, 1005, 1006, INTERNAL_ERROR)
        assert (await server.http.get("/healthz")).status_code == 200
        async with server.socket(path) as next_one:
            await next_one.ping()
