"""The unmodified ElevenLabs SDK for Python against a real server."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import numpy as np
import pytest
import soundfile
from elevenlabs.client import ElevenLabs
from elevenlabs.core.api_error import ApiError
from elevenlabs.types import VoiceSettings

from tests.e2e.probe import idle
from tests.fakes.server_process import ServerPool, ServerProcess

pytestmark = pytest.mark.filterwarnings(
    "ignore:ConnectionClosed:DeprecationWarning"
)  # the SDK reads what websockets renamed
RATE = 24_000
TEXT = "Hello there, how are you?"
LENGTH_S = len(TEXT) * 0.065
"""As tone speaks it."""


@pytest.fixture(scope="module")
def tone(servers: ServerPool) -> ServerProcess:
    return servers.get(("tone",))


@contextmanager
def sdk(server: ServerProcess, key: str = "any") -> Iterator[ElevenLabs]:
    with httpx.Client(trust_env=False, timeout=30.0) as http:
        client = ElevenLabs(base_url=server.url, api_key=key, httpx_client=http)
        client.text_to_speech._ws_base_url = server.ws_url  # it would insist on TLS
        yield client


@pytest.fixture
def client(tone: ServerProcess) -> Iterator[ElevenLabs]:
    with sdk(tone) as made:
        yield made


def seconds(data: bytes) -> float:
    return len(data) / 2 / RATE


def test_convert_gives_an_mp3_that_decodes(client: ElevenLabs) -> None:
    data = b"".join(client.text_to_speech.convert("sine", text=TEXT, model_id="eleven_multilingual_v2"))
    sound, rate = soundfile.read(io.BytesIO(data))
    assert rate == 44_100 and len(sound) / rate == pytest.approx(LENGTH_S, abs=0.3) and np.abs(sound).max() > 0.1


@pytest.mark.parametrize(
    ("name", "rate", "bytes_per_sample"),
    [("pcm_16000", 16_000, 2), ("pcm_8000", 8000, 2), ("ulaw_8000", 8000, 1), ("alaw_8000", 8000, 1)],
)
def test_raw_formats_have_the_length_of_their_rate(
    client: ElevenLabs, name: str, rate: int, bytes_per_sample: int
) -> None:
    data = b"".join(client.text_to_speech.stream("sine", text=TEXT, output_format=name))
    assert len(data) / rate / bytes_per_sample == pytest.approx(LENGTH_S, abs=0.3)


@pytest.mark.parametrize(("name", "kind"), [("opus_48000_64", "OGG"), ("wav_22050", "WAV"), ("mp3_22050_32", "MP3")])
def test_containers_decode(client: ElevenLabs, name: str, kind: str) -> None:
    data = b"".join(client.text_to_speech.convert("sine", text=TEXT, output_format=name))  # type: ignore[arg-type]
    assert soundfile.info(io.BytesIO(data)).format == kind


def test_stream_comes_in_many_pieces_and_a_hang_up_stops_the_model(client: ElevenLabs, tone: ServerProcess) -> None:
    pieces = client.text_to_speech.stream("sine", text="{{long 3000}}", output_format="pcm_24000")
    assert [bool(next(pieces)) for _ in range(3)] == [True] * 3
    pieces.close()  # type: ignore[attr-defined]
    asyncio.run(idle(tone))


def test_speed_is_honoured(client: ElevenLabs) -> None:
    fast = b"".join(
        client.text_to_speech.convert(
            "sine", text=TEXT, output_format="pcm_24000", voice_settings=VoiceSettings(speed=1.2, stability=0.5)
        )
    )
    assert seconds(fast) == pytest.approx(LENGTH_S / 1.2, abs=0.3)


def test_timestamps_spell_the_text(client: ElevenLabs) -> None:
    answer = client.text_to_speech.convert_with_timestamps("sine", text=TEXT, output_format="pcm_24000")
    times = answer.alignment
    assert times is not None and "".join(times.characters) == TEXT
    starts, ends = times.character_start_times_seconds, times.character_end_times_seconds
    assert starts == sorted(starts) and ends[-1] == pytest.approx(
        seconds(base64.b64decode(answer.audio_base_64)), abs=0.01
    )
    assert starts[TEXT.index("you")] > LENGTH_S / 2


def test_timestamps_in_a_stream_spell_the_text(client: ElevenLabs) -> None:
    chunks = list(client.text_to_speech.stream_with_timestamps("sine", text=TEXT, output_format="pcm_24000"))
    assert len(chunks) > 1 and sum(seconds(base64.b64decode(chunk.audio_base_64)) for chunk in chunks) > 1
    assert "".join("".join(chunk.alignment.characters) for chunk in chunks if chunk.alignment) == TEXT


def words() -> Iterator[str]:
    yield from ("Hello ", "there, ", "how ", "are ", "you?")


def test_realtime_speaks_what_comes_in_pieces(client: ElevenLabs) -> None:
    pieces = client.text_to_speech.convert_realtime(
        "sine", text=words(), model_id="eleven_flash_v2_5", output_format="pcm_24000"
    )
    assert seconds(b"".join(pieces)) == pytest.approx(LENGTH_S, abs=0.4)


def test_lists(client: ElevenLabs) -> None:
    voices = client.voices.get_all().voices
    assert "sine" in [voice.voice_id for voice in voices]
    assert [voice.voice_id for voice in client.voices.search(search="deep").voices] == ["deep"]
    assert client.voices.get("sine").name
    assert [model.model_id for model in client.models.list()] == ["tone"]
    assert client.user.get().subscription.tier == "self-hosted"


def error(pieces: Iterator[bytes]) -> ApiError:
    with pytest.raises(ApiError) as caught:
        list(pieces)
    return caught.value


def test_the_typed_error_says_what_is_wrong(client: ElevenLabs) -> None:
    speak = client.text_to_speech.convert
    for found, status, name in (
        (error(speak("nobody", text=TEXT)), 404, "voice_not_found"),
        (error(speak("sine", text=" ")), 400, "empty_text"),
        (error(speak("sine", text=TEXT, model_id="nothing")), 400, "model_not_found"),
        (error(speak("sine", text=TEXT, output_format="aac_44100")), 400, "invalid_output_format"),  # type: ignore[arg-type]
    ):
        assert (found.status_code, found.body["detail"]["status"]) == (status, name)
    failed = error(client.text_to_speech.convert_realtime("nobody", text=words()))
    assert failed.status_code == 1008


def test_a_wrong_key_is_refused_with_the_typed_error(servers: ServerPool) -> None:
    locked = servers.get(("tone",), api_key="sesame")
    with sdk(locked, "wrong") as wrong, sdk(locked, "sesame") as right:
        assert error(wrong.text_to_speech.convert("sine", text=TEXT)).status_code == 401
        assert error(wrong.text_to_speech.convert_realtime("sine", text=words())).status_code == 1008
        assert b"".join(right.text_to_speech.convert("sine", text=TEXT))
        assert wrong.voices.get_all().voices, "lists are open"
        with pytest.raises(ApiError):
            wrong.user.get()
