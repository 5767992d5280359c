"""Voices that Chatterbox clients register, over real sockets: what is kept, what is refused, and why."""

from __future__ import annotations

import base64
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Start
from tests.e2e.mixed import Mixed, floats, frames, mixed, words
from tests.e2e.talk import peak_hz
from tests.fakes.server_process import ServerProcess
from tests.fakes.speech import RATE, noise, recording, speech, tone

PATH = "/v1/stream/tts"


@pytest.fixture(scope="module")
def server(start: Start) -> ServerProcess:
    return start(tone={"x_realtime": 100}, max_reference_bytes=2_000_000)


@pytest.fixture
async def client(server: ServerProcess) -> AsyncIterator[Mixed]:
    async with mixed(server, PATH) as link:
        yield link


def kept(server: ServerProcess) -> list[Path]:
    """Every folder of a voice."""
    return [path for path in (server.data_dir / "voices").glob("*") if path.is_dir()]


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


def singing(frequency: float) -> str:
    return base64_of(recording(tone(frequency), 24_000))


async def register(client: Mixed, voice_id: Any, audio: Any, **fields: Any) -> dict[str, Any]:
    await client.tell("register_voice", voice_id=voice_id, reference_audio=audio, **fields)
    (answer,) = await client.until_type("voice_registered", "error")
    assert isinstance(answer, dict)
    return answer


async def listed(client: Mixed) -> dict[str, dict[str, Any]]:
    await client.tell("list_voices")
    (answer,) = await client.until_type("voice_list")
    assert isinstance(answer, dict)
    return {voice["voice_id"]: voice for voice in answer["voices"]}


async def pitch(client: Mixed, voice_id: str) -> float:
    await client.tell("synthesize", text="{{long 1}}", voice_id=voice_id)
    heard = await client.until_type("synthesis_complete", "error")
    assert words(heard)[-1]["type"] == "synthesis_complete", words(heard)
    return peak_hz(floats(b"".join(frames(heard))))


async def test_3_04_a_registered_voice_is_spoken_in(client: Mixed) -> None:
    answer = await register(client, "high_voice", singing(440.0), description="Sings an A", request_id="r1")
    assert answer == {"type": "voice_registered", "voice_id": "high_voice", "request_id": "r1"}
    assert await pitch(client, "high_voice") == pytest.approx(440, rel=0.02)


async def test_3_04_it_is_known_to_every_connection_and_to_every_dialect(server: ServerProcess, client: Mixed) -> None:
    await register(client, "shared", singing(300.0))
    async with mixed(server, PATH) as other:
        assert await pitch(other, "shared") == pytest.approx(300, rel=0.02)
    async with mixed(server, "/v1/audio/speech/stream/ws") as orpheus:
        await orpheus.send(text="Hello.", voice="shared")
        assert words(await orpheus.until_type("end", "error"))[-1]["type"] == "end"


async def test_3_04_registering_again_replaces_the_voice(server: ServerProcess, client: Mixed) -> None:
    await register(client, "again", singing(250.0))
    before = len(kept(server))
    await register(client, "again", singing(400.0))
    assert await pitch(client, "again") == pytest.approx(400, rel=0.02)
    assert len(kept(server)) == before
    assert (await register(client, "again", base64_of(b"no audio at all")))["code"] == "bad_audio"
    assert await pitch(client, "again") == pytest.approx(400, rel=0.02), "the old one stays"


async def test_3_05_normal_speech_passes(client: Mixed) -> None:
    for kind in ("wav", "mp3", "flac"):
        answer = await register(client, f"speech-{kind}", base64_of(recording(speech(), RATE, kind)))
        assert answer["type"] == "voice_registered", answer


@pytest.mark.parametrize(
    ("audio", "code"),
    [
        (lambda: recording(speech()[: 2 * RATE]), "audio_too_short"),
        (lambda: recording(speech(peak_db=-50)), "audio_too_quiet"),
        (lambda: recording(speech(peak_db=12)), "audio_clipped"),
        (lambda: recording(noise(), 24_000), "audio_noisy"),
        (lambda: b"RIFF" + bytes(100), "bad_audio"),
        (lambda: b"", "bad_audio"),
    ],
    ids=["short", "quiet", "clipped", "noisy", "broken", "empty"],
)
async def test_3_05_a_recording_that_will_not_do_is_refused_with_the_reason(
    server: ServerProcess, client: Mixed, audio: Any, code: str
) -> None:
    before = kept(server)
    answer = await register(client, "bad", base64_of(audio()))
    assert (answer["type"], answer["code"]) == ("error", code) and answer["message"]
    assert kept(server) == before and "bad" not in await listed(client)


@pytest.mark.parametrize("name", ["../x", "a/b", "..", "", "a b", "x\x00", "default", "y" * 65, 5, None, {}])
async def test_3_06_a_name_that_could_be_a_path_is_refused(server: ServerProcess, client: Mixed, name: Any) -> None:
    before = kept(server)
    answer = await register(client, name, singing(300.0))
    assert (answer["type"], answer["param"]) == ("error", "voice_id")
    assert kept(server) == before and not (server.data_dir / "x").exists()


async def test_3_06_the_name_of_a_models_own_voice_is_taken(client: Mixed) -> None:
    assert (await register(client, "deep", singing(300.0)))["code"] == "alias_taken"


async def test_3_08_the_list_has_the_registered_voice_and_no_path(client: Mixed) -> None:
    await register(client, "listed", singing(300.0), description="For the list")
    voices = await listed(client)
    assert voices["listed"] == {
        "voice_id": "listed",
        "description": "For the list",
        "path": "",
        "is_cached": True,
    }
    assert {"sine", "deep"} < set(voices)


async def test_other_requests_are_served_while_a_voice_is_made(client: Mixed) -> None:
    await client.tell("register_voice", voice_id="slow", reference_audio=base64_of(recording(speech(), RATE)))
    await client.tell("synthesize", text="Hello.")
    heard = [word["type"] for word in words(await client.until_type("synthesis_complete"))]
    if "voice_registered" not in heard:
        heard += [word["type"] for word in words(await client.until_type("voice_registered"))]
    assert sorted(heard) == ["synthesis_complete", "voice_registered"]


async def test_one_voice_at_a_time_is_made_for_a_connection(client: Mixed) -> None:
    audio = base64_of(recording(speech(), RATE))
    for name in ("one", "two"):
        await client.tell("register_voice", voice_id=name, reference_audio=audio, request_id=name)
    answers = {}
    for _ in range(2):
        (answer,) = await client.until_type("voice_registered", "error")
        assert isinstance(answer, dict)
        answers[answer["request_id"]] = answer
    assert answers["one"]["type"] == "voice_registered"
    assert answers["two"].get("code", "made in time") in ("overloaded", "made in time")


def wav_header(seconds: int) -> bytes:
    """Of a file that would last so long, with a kilobyte of it."""
    length = seconds * 48_000
    head = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 36 + length, b"WAVE", b"fmt ", 16, 1, 1, 24_000, 48_000, 2, 16,
                       b"data", length)  # fmt: skip
    return head + bytes(1000)


@pytest.mark.parametrize(
    ("audio", "codes"),
    [
        ("!" * 1000, {"bad_audio"}),
        ("A", {"bad_audio"}),
        ("A" * 3_100_000, {"audio_too_long"}),
        (base64_of(wav_header(36_000)), {"bad_audio", "audio_too_short", "audio_too_quiet"}),
        (base64_of(recording(speech()[:RATE] * 0, RATE, "flac")), {"audio_too_short", "audio_too_quiet"}),
        (base64_of(recording(tone(seconds=600) * 0, 24_000, "flac")), {"audio_too_quiet", "bad_audio"}),
    ],
    ids=["no base64", "one letter", "huge", "ten hours in a header", "silence", "a bomb of silence"],
)
async def test_what_no_client_should_send_is_refused_and_nothing_is_written(
    server: ServerProcess, client: Mixed, audio: str, codes: set[str]
) -> None:
    before = kept(server)
    answer = await register(client, "evil", audio)
    assert answer["type"] == "error" and answer["code"] in codes, answer
    assert kept(server) == before
    assert await pitch(client, "sine") > 0
