"""Deepgram's route and socket on a fake engine: shapes, keys, and the path that is shared with VoiceReader."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

from syrinx.server.deepgram import is_ours
from tests.fakes.engine import PIECE
from tests.fakes.live import WAIT_S, close_code, live, until

SPEAK = "/v1/speak"
RAW = SPEAK + "?model=adam&encoding=linear16&container=none"
TOKEN = {"authorization": "Token any"}


async def hear(socket: ClientConnection) -> bytes | dict[str, Any]:
    async with asyncio.timeout(WAIT_S):
        message = await socket.recv()
    return message if isinstance(message, bytes) else json.loads(message)


async def tell(socket: ClientConnection, kind: str, **fields: Any) -> None:
    await socket.send(json.dumps({"type": kind, **fields}))


# --- HTTP ------------------------------------------------------------------------------------------------------------


async def test_speech_is_the_encoded_stream_and_says_what_it_is() -> None:
    async with live() as server:
        answer = await server.http.post(RAW + "&sample_rate=16000&tag=x", json={"text": "Hello."}, headers=TOKEN)
        opened: Any = server.engine.sessions[0].received[0]
    assert (answer.status_code, answer.content) == (200, PIECE)
    assert answer.headers["content-type"] == "audio/pcm" and answer.headers["dg-char-count"] == "6"
    assert answer.headers["dg-model-name"] == "fake/adam" and uuid.UUID(answer.headers["dg-model-uuid"])
    assert uuid.UUID(answer.headers["dg-request-id"]) and "x-syrinx-not-applied" not in answer.headers
    assert opened.request.voice == "adam" and opened.request.audio.sample_rate == 16_000


async def test_text_comes_plain_too_and_what_was_not_honoured_is_told() -> None:
    async with live() as server:
        plain = {"content-type": "text/plain", **TOKEN}
        answer = await server.http.post(SPEAK + "?model=aura-2-uzume-ja", content="Hallo.", headers=plain)
        received: Any = server.engine.sessions[0].received
    assert answer.status_code == 200 and answer.headers["content-type"] == "audio/mpeg"
    assert answer.headers["x-syrinx-not-applied"] == "model" and received[1].text == "Hallo."


@pytest.mark.parametrize(
    ("path", "body", "status", "name"),
    [
        (SPEAK, b"{", 400, "PAYLOAD_ERROR"),
        (SPEAK, b"[]", 400, "PAYLOAD_ERROR"),
        (SPEAK, b'{"text":" "}', 400, "Bad Request"),
        (SPEAK, b'{"text":"{{silent}}"}', 400, "Bad Request"),
        (SPEAK, b'{"text":"{{busy}}"}', 429, "Too Many Requests"),
        (SPEAK, b'{"text":"{{error}}"}', 502, "INTERNAL_SERVER_ERROR"),
        (SPEAK + "?encoding=vorbis", b'{"text":"Hi."}', 400, "INVALID_QUERY_PARAMETER"),
        (SPEAK + "?model=nobody", b'{"text":"Hi."}', 400, "Bad Request"),
        (SPEAK + "?frame_ms=x", b'{"text":"Hi."}', 400, "INVALID_QUERY_PARAMETER"),
    ],
)
async def test_errors_have_the_vendors_shape(path: str, body: bytes, status: int, name: str) -> None:
    async with live() as server:
        answer = await server.http.post(path, content=body, headers=TOKEN)
    told = answer.json()
    assert (answer.status_code, told["err_code"]) == (status, name) and told["err_msg"]
    assert told["request_id"] == answer.headers["dg-request-id"] and uuid.UUID(told["request_id"])
    assert ("retry-after" in answer.headers) == (status == 429)


async def test_a_stream_that_breaks_is_broken_off() -> None:
    async with live() as server:
        with pytest.raises(httpx.RemoteProtocolError):
            await server.http.post(RAW, json={"text": "{{break}}"})


async def test_the_key_is_needed_and_may_come_as_a_token() -> None:
    async with live(api_key="sesame") as server:
        for headers, status in (
            ({"authorization": "Token sesame"}, 200),
            ({"authorization": "Bearer sesame"}, 200),
            ({"authorization": "Token wrong"}, 401),
            ({}, 401),
        ):
            answer = await server.http.post(RAW, json={"text": "Hello."}, headers=headers)
            assert answer.status_code == status
            if status == 401:
                assert answer.json()["err_code"] == "INVALID_AUTH"


async def test_requests_of_voicereader_at_the_same_path_stay_its_own() -> None:
    body = {"text": "Hello there.", "voice_id": "0"}
    async with live() as server:
        for headers in ({}, {"authorization": "Bearer any"}):
            job = (await server.http.post(SPEAK, json=body, headers=headers)).json()
            assert job["job_id"] and job["ws_url"].startswith("ws://")
        speech = await server.http.post(SPEAK + "?encoding=mp3", json=body)
        assert speech.status_code == 200 and speech.headers["content-type"] == "audio/mpeg"


@pytest.mark.parametrize(
    ("headers", "query", "ours"),
    [
        ([(b"authorization", b"Token k")], b"", True),
        ([(b"authorization", b"token k")], b"", True),
        ([(b"authorization", b"Bearer k")], b"", False),
        ([(b"authorization", b"Tokenish k")], b"", False),
        ([], b"model=aura-2-thalia-en", True),
        ([], b"encoding=&x=1", True),
        ([], b"api_key=model", False),
        ([], b"remodel=1", False),
        ([], b"", False),
    ],
)
def test_whose_a_request_is(headers: list[tuple[bytes, bytes]], query: bytes, ours: bool) -> None:
    assert is_ours({"type": "http", "headers": headers, "query_string": query}) is ours


# --- the socket ------------------------------------------------------------------------------------------------------


async def test_a_turn_is_audio_and_flushed() -> None:
    async with live() as server, server.socket(SPEAK + "?model=adam") as socket:
        metadata = await hear(socket)
        assert isinstance(metadata, dict) and metadata["type"] == "Metadata"
        await tell(socket, "Speak", text="Hello.")
        await tell(socket, "Flush")
        assert [await hear(socket), await hear(socket)] == [PIECE, {"type": "Flushed", "sequence_id": 0}]
        await tell(socket, "Close")
        assert (await close_code(socket))[0] == 1000


async def test_the_request_id_is_that_of_the_handshake() -> None:
    mine = str(uuid.uuid4())
    async with live() as server, server.socket(SPEAK, additional_headers={"x-request-id": mine}) as socket:
        metadata = await hear(socket)
        assert isinstance(metadata, dict) and metadata["request_id"] == mine


async def test_an_engine_that_goes_on_after_a_clear_is_not_heard() -> None:
    """The fake engine knows nothing of an interruption: what it still says, the codec must drop."""
    async with live() as server, server.socket(SPEAK) as socket:
        await tell(socket, "Speak", text="{{endless}}")
        while not isinstance(await hear(socket), bytes):
            pass
        await tell(socket, "Clear")
        while isinstance(said := await hear(socket), bytes):
            pass
        assert said == {"type": "Cleared", "sequence_id": 0}
        await tell(socket, "Flush")
        assert await hear(socket) == {"type": "Flushed", "sequence_id": 1}, "and no audio between the two"


async def test_a_browsers_key_comes_in_its_subprotocols() -> None:
    async with live(api_key="sesame") as server:
        offered = [Subprotocol("token"), Subprotocol("sesame")]
        async with server.socket(SPEAK, subprotocols=offered) as socket:
            assert socket.subprotocol == "token"
            assert isinstance(await hear(socket), dict)
        wrong = [Subprotocol("token"), Subprotocol("wrong")]
        refused = await server.socket(SPEAK, subprotocols=wrong)
        said = await hear(refused)
        assert isinstance(said, dict) and (said["type"], said["err_code"]) == ("Error", "INVALID_AUTH")
        assert (await close_code(refused))[0] == 1008
    async with live() as server, server.socket(SPEAK, subprotocols=offered) as socket:
        assert socket.subprotocol == "token"


async def test_an_address_that_cannot_be_spoken_to_closes_with_the_reason() -> None:
    async with live() as server:
        for query in ("model=nobody", "encoding=mp3", "sample_rate=1", "frame_ms=0"):
            socket = await server.socket(f"{SPEAK}?{query}")
            said = await hear(socket)
            assert isinstance(said, dict) and said["type"] == "Error" and said["err_msg"]
            code, reason = await close_code(socket)
            assert code == 1008 and reason
        await until(lambda: all(session.closed for session in server.engine.sessions))
