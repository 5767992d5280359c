"""The unmodified Deepgram SDK for Python against a real server: REST and socket, sync and async."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np
import pytest
from deepgram import AsyncDeepgramClient, DeepgramClient
from deepgram.core.api_error import ApiError
from deepgram.core.events import EventType
from deepgram.environment import DeepgramClientEnvironment
from deepgram.errors import BadRequestError
from deepgram.speak.v1.types.speak_v1metadata import SpeakV1Metadata
from deepgram.speak.v1.types.speak_v1text import SpeakV1Text
from deepgram.speak.v1.types.speak_v1warning import SpeakV1Warning

from tests.audio.signals import decode
from tests.e2e.probe import idle
from tests.fakes.server_process import ServerPool, ServerProcess

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SDK reads what websockets renamed
RATE = 24_000
TEXT = "Hello there, how are you?"
LENGTH_S = len(TEXT) * 0.065
"""As tone speaks it."""
WAIT_S = 30.0


@pytest.fixture(scope="module")
def tone(servers: ServerPool) -> ServerProcess:
    return servers.get(("tone",))


def place(server: ServerProcess) -> DeepgramClientEnvironment:
    return DeepgramClientEnvironment(
        base=server.url, production=server.ws_url, agent=server.ws_url, agent_rest=server.url
    )


@contextmanager
def sdk(server: ServerProcess, key: str = "any") -> Iterator[DeepgramClient]:
    with httpx.Client(trust_env=False, timeout=WAIT_S) as http:
        yield DeepgramClient(api_key=key, environment=place(server), httpx_client=http, telemetry_opt_out=True)


@pytest.fixture(scope="module")
def client(tone: ServerProcess) -> Iterator[DeepgramClient]:
    with sdk(tone) as made:
        yield made


@pytest.fixture(scope="module")
def locked(servers: ServerPool) -> Iterator[ServerProcess]:
    with servers.fresh(("tone",), {"API_KEY": "sesame"}) as server:
        yield server


def seconds(data: bytes) -> float:
    return len(data) / 2 / RATE


# --- REST ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "magic", "rate"),
    [
        ({}, b"\xff", 22_050),
        ({"model": "aura-asteria-en", "encoding": "linear16", "sample_rate": 16_000}, b"RIFF", 16_000),
        ({"encoding": "mulaw"}, b"RIFF", 8000),
        ({"encoding": "alaw", "container": "wav"}, b"RIFF", 8000),
        ({"encoding": "opus", "container": "ogg", "bit_rate": 24_000}, b"OggS", 48_000),
        ({"encoding": "flac", "sample_rate": 48_000}, b"fLaC", 48_000),
        ({"encoding": "aac", "bit_rate": 48_000}, b"\xff\xf1", 22_050),
    ],
)
def test_containers_decode(client: DeepgramClient, options: dict[str, Any], magic: bytes, rate: int) -> None:
    data = b"".join(client.speak.v1.audio.generate(text=TEXT, **options))
    sound, found = decode({b"fLaC": "flac", b"\xff\xf1": "aac"}.get(magic, "file"), data, rate)
    assert data.startswith(magic) and found == rate
    assert len(sound) / rate == pytest.approx(LENGTH_S, abs=0.3) and np.abs(sound).max() > 0.1


@pytest.mark.parametrize(
    ("encoding", "rate", "width"), [("linear16", 48_000, 2), ("mulaw", 8000, 1), ("alaw", 16_000, 1)]
)
def test_raw_samples_have_the_length_of_their_rate(
    client: DeepgramClient, encoding: str, rate: int, width: int
) -> None:
    pieces = client.speak.v1.audio.generate(text=TEXT, encoding=encoding, container="none", sample_rate=rate)
    assert len(b"".join(pieces)) / rate / width == pytest.approx(LENGTH_S, abs=0.3)


def test_an_answer_says_what_it_is(client: DeepgramClient) -> None:
    with client.speak.v1.audio.with_raw_response.generate(text=TEXT, model="deep") as answer:
        data = b"".join(answer.data)
    assert data and answer.headers["dg-model-name"] == "tone/deep" and answer.headers["dg-char-count"] == str(len(TEXT))


def test_errors_are_typed(client: DeepgramClient, locked: ServerProcess) -> None:
    refused: tuple[dict[str, Any], ...] = (
        {"text": " "},
        {"text": TEXT, "encoding": "vorbis"},
        {"text": TEXT, "model": "x"},
    )
    for wrong in refused:
        with pytest.raises(BadRequestError) as caught:
            list(client.speak.v1.audio.generate(**wrong))
        assert caught.value.body["err_code"] and caught.value.body["err_msg"] and caught.value.body["request_id"]
    with sdk(locked, "wrong") as stranger, pytest.raises(ApiError) as caught_too:
        list(stranger.speak.v1.audio.generate(text=TEXT))
    assert caught_too.value.status_code == 401 and caught_too.value.body["err_code"] == "INVALID_AUTH"


def test_a_hang_up_stops_the_model(client: DeepgramClient, tone: ServerProcess) -> None:
    pieces = client.speak.v1.audio.generate(text="{{long 3000}}", encoding="linear16", container="none")
    assert [bool(next(pieces)) for _ in range(3)] == [True] * 3
    pieces.close()  # type: ignore[attr-defined]
    asyncio.run(idle(tone))


async def test_the_async_client_speaks_too(tone: ServerProcess) -> None:
    async with httpx.AsyncClient(trust_env=False, timeout=WAIT_S) as http:
        client = AsyncDeepgramClient(api_key="any", environment=place(tone), httpx_client=http, telemetry_opt_out=True)
        pieces = client.speak.v1.audio.generate(text=TEXT, encoding="linear16", container="none", sample_rate=RATE)
        data = b"".join([piece async for piece in pieces])
    assert seconds(data) == pytest.approx(LENGTH_S, abs=0.3)


# --- the socket ------------------------------------------------------------------------------------------------------


def sound(heard: Iterable[Any]) -> bytes:
    return b"".join(said for said in heard if isinstance(said, bytes))


def kind(said: Any) -> str:
    """The SDK takes what has a ``sequence_id`` for a ``SpeakV1Flushed``; what it is stands in its ``type``."""
    return "audio" if isinstance(said, bytes) else said.type


def hear_until(connection: Any, last: str) -> list[Any]:
    """Everything up to the first message of that kind."""
    heard = [connection.recv()]
    while kind(heard[-1]) != last:
        heard.append(connection.recv())
    return heard


def test_the_socket_speaks_clears_warns_and_closes(client: DeepgramClient, tone: ServerProcess) -> None:
    with client.speak.v1.connect(model="sine", encoding="linear16", sample_rate=str(RATE)) as connection:
        metadata = connection.recv()
        assert isinstance(metadata, SpeakV1Metadata) and metadata.model_name == "tone/sine"
        for word in TEXT.split():
            connection.send_text(SpeakV1Text(text=word + " "))
        connection.send_flush()
        heard = hear_until(connection, "Flushed")
        assert seconds(sound(heard)) == pytest.approx(LENGTH_S, abs=0.3) and heard[-1].sequence_id == 0
        connection.send_text(SpeakV1Text(text="{{long 3000}} and more. "))
        connection.send_flush()
        hear_until(connection, "audio")
        connection.send_clear()
        assert hear_until(connection, "Cleared")[-1].sequence_id == 2
        connection.send_text(SpeakV1Text(text=TEXT))
        connection.send_flush()
        again = sound(hear_until(connection, "Flushed"))
        assert seconds(again) == pytest.approx(seconds(sound(heard)), abs=0.03), "of the old there is nothing"
        connection.send_text(SpeakV1Text(text="🙂"))
        connection.send_flush()
        warning, _ = hear_until(connection, "Flushed")
        assert isinstance(warning, SpeakV1Warning) and warning.code == "NO_SYNTHESIZABLE_TEXT"
        connection.send_text(SpeakV1Text(text="Bye."))
        connection.send_close()
        assert sound(connection) and connection._websocket.close_code == 1000
    asyncio.run(idle(tone))


def test_the_sockets_listener_is_told_of_everything(client: DeepgramClient) -> None:
    heard: list[Any] = []
    errors: list[Any] = []
    with client.speak.v1.connect(model="aura-2-thalia-en", encoding="mulaw", sample_rate="8000") as connection:
        connection.on(EventType.MESSAGE, heard.append)
        connection.on(EventType.ERROR, errors.append)
        listener = threading.Thread(target=connection.start_listening, daemon=True)
        listener.start()
        connection.send_text(SpeakV1Text(text=TEXT))
        connection.send_close()
        listener.join(WAIT_S)
        assert not listener.is_alive(), "it ends when the server closes"
    assert len(sound(heard)) / 8000 == pytest.approx(LENGTH_S, abs=0.3)
    assert isinstance(heard[0], SpeakV1Metadata) and errors == []


async def test_the_async_socket_speaks_too(tone: ServerProcess) -> None:
    client = AsyncDeepgramClient(api_key="any", environment=place(tone), telemetry_opt_out=True)
    async with client.speak.v1.connect(model="deep", encoding="alaw", sample_rate="8000") as connection:
        await connection.send_text(SpeakV1Text(text=TEXT))
        await connection.send_flush()
        heard: list[Any] = []
        async with asyncio.timeout(WAIT_S):
            async for message in connection:
                heard.append(message)
                if kind(message) == "Flushed":
                    await connection.send_close()
    assert len(sound(heard)) / 8000 == pytest.approx(LENGTH_S, abs=0.3)


def test_the_key_opens_the_socket(locked: ServerProcess) -> None:
    with sdk(locked, "sesame") as client, client.speak.v1.connect(model="sine") as connection:
        assert isinstance(connection.recv(), SpeakV1Metadata)
