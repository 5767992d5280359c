"""Telephony on every protocol: mu-law and A-law at 8 kHz, and ``?frame_ms=20``, which cuts audio into packets."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.audio.signals import decode, frequency
from tests.e2e.talk import WAIT_S
from tests.fakes.server_process import ServerPool, ServerProcess

TEXT = "Hello there, who is calling? Please hold the line."
LENGTH_S = len(TEXT) * 0.065
"""As tone speaks it."""
RATE = 8000
FRAME_MS = 20
FRAME = RATE * FRAME_MS // 1000
"""Bytes of a packet of G.711, which has one a sample."""
G711 = {"mulaw": "ulaw_8000", "alaw": "alaw_8000"}
"""And what ElevenLabs calls them."""

Message = str | bytes


@pytest.fixture(scope="module")
def tone(servers: ServerPool) -> ServerProcess:
    return servers.get(("tone",))


@dataclass(frozen=True)
class Socket:
    """How a protocol is asked for G.711 at 8 kHz, and how it says audio, its end and what is wrong."""

    path: str
    messages: Callable[[str], list[dict[str, Any]]]
    """What to send for that encoding."""
    audio: Callable[[Message], bytes]
    """Of a message; empty where it has none."""
    is_end: Callable[[Message], bool]
    is_error: Callable[[Message], bool]

    def address(self, encoding: str, **query: str) -> str:
        more = "&".join(f"{name}={value}" for name, value in query.items())
        path = self.path.format(encoding=encoding, elevenlabs=G711[encoding])
        return path if not more else path + ("&" if "?" in path else "?") + more


def field(name: str) -> Callable[[Message], bytes]:
    """Audio in base64 under that name."""
    return lambda message: base64.b64decode(parsed(message).get(name) or "")


def parsed(message: Message) -> dict[str, Any]:
    return json.loads(message) if isinstance(message, str) else {}


def typed(*kinds: str) -> Callable[[Message], bool]:
    return lambda message: parsed(message).get("type") in kinds


def binary(message: Message) -> bytes:
    return message if isinstance(message, bytes) else b""


def realtime(encoding: str) -> list[dict[str, Any]]:
    audio = {"format": encoding, "sample_rate": RATE}
    return [{"type": "session.update", "session": {"audio": audio}}, {"type": "response.create", "input": TEXT}]


def elevenlabs(_: str) -> list[dict[str, Any]]:
    return [{"text": " "}, {"text": TEXT + " "}, {"text": ""}]


def contexts(_: str) -> list[dict[str, Any]]:
    named = {"context_id": "a"}
    return [{"text": TEXT, **named}, {"flush": True, **named}, {"close_context": True, **named}]


def deepgram(_: str) -> list[dict[str, Any]]:
    return [{"type": "Speak", "text": TEXT}, {"type": "Flush"}]


def cartesia(encoding: str) -> list[dict[str, Any]]:
    output = {"container": "raw", "encoding": f"pcm_{encoding}", "sample_rate": RATE}
    said = {"context_id": "a", "transcript": TEXT, "continue": False, "model_id": "sonic-2"}
    return [{**said, "voice": {"mode": "id", "id": "sine"}, "output_format": output}]


def openai_realtime(encoding: str) -> list[dict[str, Any]]:
    output = {"format": {"type": {"mulaw": "audio/pcmu", "alaw": "audio/pcma"}[encoding]}, "voice": "sine"}
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": TEXT}]}
    return [
        {"type": "session.update", "session": {"type": "realtime", "audio": {"output": output}}},
        {"type": "conversation.item.create", "item": item},
        {"type": "response.create"},
    ]


def delta(message: Message) -> bytes:
    return field("delta")(message) if typed("response.output_audio.delta")(message) else b""


ELEVENLABS = "/v1/text-to-speech/sine/"
SOCKETS = {
    "realtime": Socket(
        "/v1/audio/speech/stream/ws",
        realtime,
        field("delta"),
        typed("response.completed"),
        typed("response.error"),
    ),
    "elevenlabs": Socket(
        ELEVENLABS + "stream-input?output_format={elevenlabs}",
        elevenlabs,
        field("audio"),
        lambda message: parsed(message).get("isFinal") is True,
        lambda message: "error" in parsed(message),
    ),
    "elevenlabs contexts": Socket(
        ELEVENLABS + "multi-stream-input?output_format={elevenlabs}",
        contexts,
        field("audio"),
        lambda message: parsed(message).get("isFinal") is True,
        lambda message: "error" in parsed(message),
    ),
    "deepgram": Socket(
        "/v1/speak?model=sine&encoding={encoding}&sample_rate=8000",
        deepgram,
        binary,
        typed("Flushed"),
        typed("Error"),
    ),
    "cartesia": Socket("/tts/websocket", cartesia, field("data"), typed("done"), typed("error")),
    "openai realtime": Socket("/v1/realtime", openai_realtime, delta, typed("response.done"), typed("error")),
}
"""Every protocol with a socket that names G.711."""


@asynccontextmanager
async def connected(server: ServerProcess, path: str) -> AsyncIterator[ClientConnection]:
    async with connect(server.ws_url + path, proxy=None, max_size=None, close_timeout=1.0) as link:
        yield link


async def heard(link: ClientConnection, is_end: Callable[[Message], bool]) -> list[Message]:
    """Everything up to the end."""
    messages: list[Message] = []
    async with asyncio.timeout(WAIT_S):
        while not (messages and is_end(messages[-1])):
            messages.append(await link.recv())
    return messages


async def spoken(server: ServerProcess, socket: Socket, encoding: str, **query: str) -> list[bytes]:
    """The audio messages of one utterance."""
    async with connected(server, socket.address(encoding, **query)) as link:
        for message in socket.messages(encoding):
            await link.send(json.dumps(message))
        messages = await heard(link, lambda said: socket.is_end(said) or socket.is_error(said))
    assert socket.is_end(messages[-1]), messages[-1]
    return [audio for message in messages if (audio := socket.audio(message))]


def assert_a_tone(data: bytes, encoding: str) -> None:
    sound, rate = decode(encoding, data, RATE)
    assert len(sound) / rate == pytest.approx(LENGTH_S, abs=0.3)
    assert 190 < frequency(sound, rate) < 1210, "tone's range: what was decoded is what was spoken"


def assert_frames(messages: list[bytes], frame: int) -> None:
    assert len(messages) > 20 and {len(message) for message in messages[:-1]} == {frame}
    assert 0 < len(messages[-1]) <= frame


@pytest.mark.parametrize("encoding", G711)
@pytest.mark.parametrize("name", SOCKETS)
async def test_every_socket_speaks_g711(tone: ServerProcess, name: str, encoding: str) -> None:
    assert_a_tone(b"".join(await spoken(tone, SOCKETS[name], encoding)), encoding)


@pytest.mark.parametrize("encoding", G711)
@pytest.mark.parametrize("name", SOCKETS)
async def test_every_message_is_a_packet_of_20_ms_where_that_is_asked_for(
    tone: ServerProcess, name: str, encoding: str
) -> None:
    messages = await spoken(tone, SOCKETS[name], encoding, frame_ms=str(FRAME_MS))
    assert_frames(messages, FRAME)
    assert_a_tone(b"".join(messages), encoding)


async def test_frames_of_other_raw_samples_have_their_length_too(tone: ServerProcess) -> None:
    wide = Socket(**{**vars(SOCKETS["deepgram"]), "path": "/v1/speak?encoding=linear16&sample_rate=16000"})
    assert_frames(await spoken(tone, wide, "mulaw", frame_ms="30"), 16_000 * 30 // 1000 * 2)


async def test_chatterbox_frames_are_of_that_length_too(tone: ServerProcess) -> None:
    async with connected(tone, "/v1/stream/tts?frame_ms=20") as link:
        await link.send(json.dumps({"type": "synthesize", "text": TEXT, "chunk_size": 25}))
        messages = await heard(link, typed("synthesis_complete"))
    assert_frames([message for message in messages if isinstance(message, bytes)], 480 * 4)


async def test_a_turn_begins_with_a_whole_frame_after_a_shorter_last_one(tone: ServerProcess) -> None:
    socket = SOCKETS["deepgram"]
    async with connected(tone, socket.address("mulaw", frame_ms="20")) as link:
        for _ in range(3):
            for message in socket.messages("mulaw"):
                await link.send(json.dumps(message))
            assert_frames([said for said in await heard(link, socket.is_end) if isinstance(said, bytes)], FRAME)


# --- what cannot be had ----------------------------------------------------------------------------------------------

ADDRESSES = {
    **{name: (socket.address("mulaw"), socket.is_error) for name, socket in SOCKETS.items()},
    "chatterbox": ("/v1/stream/tts", typed("error")),
}
FIRST_MESSAGE = {"realtime": {"type": "session.update", "session": {}}}
"""Where the dialect of a path is known by its first message."""


@pytest.mark.parametrize("asked", ["", "x", "0", "-20", "20.5", "1e2", "99999", "1001", "20ms", "%F0%9F%98%80"])
@pytest.mark.parametrize("name", ADDRESSES)
async def test_a_length_that_is_none_is_told_in_the_dialects_own_shape(
    tone: ServerProcess, name: str, asked: str
) -> None:
    path, is_error = ADDRESSES[name]
    async with connected(tone, f"{path}{'&' if '?' in path else '?'}frame_ms={asked}") as link:
        if name in FIRST_MESSAGE:
            await link.send(json.dumps(FIRST_MESSAGE[name]))
        messages: list[Message] = []
        async with asyncio.timeout(WAIT_S):
            with contextlib.suppress(ConnectionClosed):
                async for message in link:
                    messages.append(message)
            await link.wait_closed()
    assert len(messages) == 1 and is_error(messages[0]) and "frame_ms" in str(messages[0])
    assert link.close_code == 1008 and "frame_ms" in (link.close_reason or "")


@pytest.mark.parametrize(("output_format", "why"), [("mp3_44100_128", "raw samples"), ("pcm_11025", "whole number")])
async def test_a_format_without_such_frames_is_told(tone: ServerProcess, output_format: str, why: str) -> None:
    path = f"{ELEVENLABS}stream-input?output_format={output_format}&frame_ms=25"
    async with connected(tone, path) as link:
        for message in elevenlabs(""):
            await link.send(json.dumps(message))
        (error,) = await heard(link, lambda said: "error" in parsed(said))
    assert why in parsed(error)["message"]


# --- HTTP ------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def http(tone: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=tone.url, trust_env=False, timeout=WAIT_S) as client:
        yield client


def requests(encoding: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Address and body of every protocol that names G.711 over HTTP."""
    speech = {"input": TEXT, "voice": "sine", "response_format": encoding, "sample_rate": RATE}
    return {
        "openai": ("/v1/audio/speech?", speech),
        "elevenlabs": (f"/v1/text-to-speech/sine/stream?output_format={G711[encoding]}&", {"text": TEXT}),
        "deepgram": (f"/v1/speak?model=sine&container=none&encoding={encoding}&", {"text": TEXT}),
        "chatterbox": ("/v1/synthesize?", {"text": TEXT, "format": encoding, "sample_rate": RATE}),
        "cartesia": ("/tts/bytes?", cartesia(encoding)[0]),
    }


@pytest.mark.parametrize("encoding", G711)
@pytest.mark.parametrize("name", requests("mulaw"))
async def test_every_route_speaks_g711_in_frames_or_not(http: httpx.AsyncClient, name: str, encoding: str) -> None:
    path, body = requests(encoding)[name]
    for query in ("", "frame_ms=20"):
        answer = await http.post(path + query, json=body)
        assert answer.status_code == 200, answer.text
        assert_a_tone(answer.content, encoding)
        assert answer.headers["content-type"] == {"mulaw": "audio/PCMU", "alaw": "audio/PCMA"}[encoding]


@pytest.mark.parametrize("name", requests("mulaw"))
async def test_a_length_that_is_none_is_400_over_http(http: httpx.AsyncClient, name: str) -> None:
    path, body = requests("mulaw")[name]
    for asked in ("x", "0"):
        answer = await http.post(path + f"frame_ms={asked}", json=body)
        assert answer.status_code == 400 and "frame_ms" in answer.text
    compressed = await http.post("/v1/audio/speech?frame_ms=20", json={"input": TEXT, "response_format": "mp3"})
    assert compressed.status_code == 400 and compressed.json()["error"]["param"] == "frame_ms"


async def test_server_sent_events_carry_a_frame_each(http: httpx.AsyncClient) -> None:
    body = {"input": TEXT, "response_format": "mulaw", "stream_format": "sse"}
    answer = await http.post("/v1/audio/speech?frame_ms=20", json=body)
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert_frames([base64.b64decode(event["audio"]) for event in events if "audio" in event], FRAME)


async def test_cartesias_events_carry_a_frame_each(http: httpx.AsyncClient) -> None:
    answer = await http.post("/tts/sse?frame_ms=20", json=cartesia("mulaw")[0])
    events = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert_frames([base64.b64decode(event["data"]) for event in events if event["type"] == "chunk"], FRAME)


async def test_lines_with_timestamps_carry_a_frame_each(http: httpx.AsyncClient) -> None:
    path = "/v1/text-to-speech/sine/stream/with-timestamps?output_format=ulaw_8000&frame_ms=20"
    answer = await http.post(path, json={"text": TEXT})
    pieces = [base64.b64decode(json.loads(line)["audio_base64"]) for line in answer.text.splitlines()]
    assert_frames([piece for piece in pieces if piece], FRAME)
