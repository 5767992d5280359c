"""The Realtime-style dialect from outside, set up with the founding server's variables (rows 1-02 to 1-28)."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import av
import httpx
import numpy as np
import pytest

from tests.e2e.conftest import Start
from tests.e2e.probe import health
from tests.e2e.talk import DELTA, RATE, WAIT_S, Event, audio, harmonics, kinds, peak_hz, samples, talk
from tests.fakes.server_process import ServerProcess

SEED = {
    "DEFAULT_VOICE_FEMALE": "bright",
    "DEFAULT_VOICE_MALE": "hollow",
    "MAX_UTTERANCE_WORDS": "150",
    "PRIME_STREAM": "1",
    "PRIME_BYTES": "512",
    "FLUSH_IDLE_MS": "160",
    "MAX_CONCURRENT_JOBS": "4",
    "MAX_QUEUED_REQUESTS": "4",
}
PRIMER_SAMPLES = 256
SECOND = "{{long 1}}"
"""Exactly one second of unbroken tone."""


@pytest.fixture(scope="module")
def seed(start: Start) -> ServerProcess:
    return start(SEED, models=("tone", "espeak"))


async def test_1_02_the_echoed_format_and_rate_are_what_is_delivered(seed: ServerProcess) -> None:
    async with talk(seed) as client:
        for rate in (8000, 16_000, 48_000):
            await client.tell("session.update", session={"voice": "sine", "audio": {"sample_rate": rate}})
            echoed = (await client.hear())["session"]
            assert echoed == {"voice": "sine", "audio": {"format": "pcm", "sample_rate": rate}}
            heard = await client.say(f"at-{rate}", SECOND)
            sound = samples(audio(heard))[PRIMER_SAMPLES:]
            assert len(sound) == pytest.approx(rate, rel=0.001)
            assert heard[-1]["total_samples"] == len(sound)
            assert 195 <= peak_hz(sound, rate) <= 1205, "the pitch would be wrong if only the label had changed"


@pytest.mark.parametrize(
    ("name", "head"),
    [("opus", b"OggS"), ("wav", b"RIFF"), ("flac", b"fLaC"), ("mp3", b""), ("aac", b"\xff"), ("webm", b"\x1a\x45")],
)
async def test_1_02_compressed_formats_are_delivered_as_echoed(seed: ServerProcess, name: str, head: bytes) -> None:
    async with talk(seed) as client:
        await client.tell("session.update", session={"audio": {"format": name}})
        echoed = (await client.hear())["session"]["audio"]
        heard = await client.say("a", SECOND)
    stream = audio(heard)
    assert echoed["format"] == name and stream.startswith(head)
    decoded, rate = decode(stream)
    assert rate == echoed["sample_rate"] or name in ("opus", "webm"), "an Opus decoder always gives 48 kHz"
    assert len(decoded) / rate == pytest.approx(1.0, abs=0.12), "lossy formats pad by a frame or two"
    assert np.abs(decoded).max() > 0.2


def decode(stream: bytes) -> tuple[np.ndarray, int]:
    """What an independent decoder makes of a stream: samples and their rate."""
    with av.open(io.BytesIO(stream), "r") as container:
        resampler = av.AudioResampler(format="flt", layout="mono")
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        return np.concatenate([frame.to_ndarray()[0] for frame in frames]), frames[0].sample_rate


async def test_1_03_created_deltas_completed_with_matching_ids(seed: ServerProcess) -> None:
    async with talk(seed) as client:
        for field in ("response_id", "id"):
            await client.tell("response.create", **{field: "mine"}, text="Hello there, my friend.")
            heard = await client.hear_end("mine")
            assert kinds(heard) == ["created", "output_audio.delta", "completed"]
            assert {event["response"] for event in heard} == {"mine"}
        await client.tell("response.create", instructions="Hello.")
        created = await client.hear()
        assert created["type"] == "response.created" and isinstance(created["response"], str)
        assert {event["response"] for event in await client.hear_end(created["response"])} == {created["response"]}


async def test_1_04_a_delta_is_base64_of_whole_16_bit_samples_at_24_khz(seed: ServerProcess) -> None:
    async with talk(seed) as client:
        heard = await client.say("a", SECOND)
    deltas = [audio([event]) for event in heard if event["type"] == DELTA]
    assert deltas and all(data and len(data) % 2 == 0 for data in deltas)
    sound = samples(b"".join(deltas))[PRIMER_SAMPLES:]
    assert len(sound) == RATE and 0.25 < np.abs(sound).max() <= 0.35, "tone's amplitude is 0.3"
    assert np.abs(np.diff(sound)).max() < 0.2, "a wrong byte order or a lost sample would jump"


async def test_1_05_completed_tells_what_was_received_without_the_primer(seed: ServerProcess) -> None:
    async with talk(seed) as client:
        heard = await client.say("a", "One sentence. And another one, a little longer.")
    received = len(audio(heard)) // 2 - PRIMER_SAMPLES
    assert heard[-1]["total_samples"] == received
    assert heard[-1]["duration_s"] == pytest.approx(received / RATE, abs=1e-5)


async def test_1_06_each_request_has_its_own_voice_and_speed(seed: ServerProcess) -> None:
    async with talk(seed) as client:
        voices = {
            name: harmonics(body(await client.say(name, SECOND, voice=name))) for name in ("sine", "deep", "hollow")
        }
        nested = harmonics(body(await client.say("nested", SECOND, audio={"voice": "deep"})))
        lengths = {
            speed: len(body(await client.say(f"at {speed}", "Some words to be spoken, at one speed.", speed=speed)))
            for speed in (1, 0.5, 0.1, 2, 9, "1.5", 0, "fast")
        }
    assert voices == {"sine": (1,), "deep": (1, 2), "hollow": (1, 3)}
    assert nested == (1, 2)
    assert lengths[0.5] == lengths[0.1] == pytest.approx(2 * lengths[1], rel=0.01), "clamped at 0.5"
    assert lengths[2] == lengths[9] == pytest.approx(lengths[1] / 2, rel=0.01), "clamped at 2"
    assert lengths["1.5"] == pytest.approx(lengths[1] / 1.5, rel=0.01)
    assert lengths[0] == lengths["fast"] == lengths[1], "no speed means the default"


async def test_delivery_changes_length_and_loudness_in_its_whole_range(seed: ServerProcess) -> None:
    words = "Some words to be spoken, in one way or another."
    async with talk(seed) as client:
        usual, fast, high = [
            body(await client.say(f"a{n}", words, voice="sine", delivery=delivery))
            for n, delivery in enumerate(({}, {"speed": 4}, {"pitch": 2}))
        ]
        soft, loud, mute = [
            np.abs(body(await client.say(f"at {volume}", SECOND, voice="sine", delivery={"volume": volume}))).max()
            for volume in (0.5, 1, 0)
        ]
    assert len(fast) == pytest.approx(len(usual) / 4, rel=0.02), "beyond what a plain speed may be"
    assert len(high) == pytest.approx(len(usual), rel=0.02), "pitch keeps the length"
    assert soft == pytest.approx(loud / 2, rel=0.02) and mute == 0


async def test_marks_tell_each_word_with_its_audio_or_before(seed: ServerProcess) -> None:
    text = "😀 One, two, and then twenty-two more."
    async with talk(seed) as client:
        await client.tell("session.update", session={"marks": True, "voice": "sine"})
        assert (await client.hear())["session"]["marks"] is True
        heard = await client.say("a", text)
    words: list[str] = []
    told_s = played_s = 0.0
    for event in heard:
        if event["type"] == "response.marks":
            words += [text[mark["start"] : mark["end"]] for mark in event["marks"]]
            assert all(mark["kind"] == "word" and mark["start_s"] <= mark["end_s"] for mark in event["marks"])
            told_s = event["marks"][-1]["start_s"]
            assert told_s >= played_s - 0.001, "a word that was heard already"
        elif event["type"] == DELTA:
            played_s = (len(audio(heard[: heard.index(event) + 1])) // 2 - PRIMER_SAMPLES) / RATE
    assert [word.strip(",.") for word in words if word.isascii()][:4] == ["One", "two", "and", "then"]
    assert words[-1].strip(".") == "more"


def body(heard: list[Event]) -> np.ndarray:
    """The samples after the primer."""
    return samples(audio(heard))[PRIMER_SAMPLES:]


async def test_1_07_female_and_male_mean_the_voices_of_the_environment(seed: ServerProcess) -> None:
    async with talk(seed) as client:
        for name in ("female", "FEMALE", "f", "F"):
            assert harmonics(body(await client.say(name, SECOND, voice=name))) == (1, 2, 3), "bright"
        for name in ("male", "Male", "m", "M"):
            assert harmonics(body(await client.say(name, SECOND, voice=name))) == (1, 3), "hollow"
        for name in ("af_heart", "nobody", "femal"):
            (refused,) = await client.say(name, SECOND, voice=name)
            assert refused["code"] == "invalid_voice" and refused["message"]
        await client.tell("session.update", session={"voice": "nobody"})
        assert (await client.hear())["code"] == "invalid_voice"


async def test_1_13_pieces_are_one_response_that_starts_before_the_commit(seed: ServerProcess) -> None:
    async with talk(seed) as client:
        await client.tell("input.append", text="These words come ")
        await client.tell("input.append", text="without an end")
        started = await client.hear_first(DELTA)
        while len(audio(started)) // 2 <= PRIMER_SAMPLES:
            started.append(await client.hear())  # heard after the idle flush: nothing else can have released it
        await client.tell("input.append", text=" and go on after a pause.")
        await client.tell("input.commit")
        response = started[0]["response"]
        heard = [*started, *await client.hear_end(response)]
        assert kinds(heard) == ["created", "output_audio.delta", "completed"]
        chars = len("These words come without an end and go on after a pause.")
        assert heard[-1]["duration_s"] == pytest.approx(chars * 0.065, abs=0.5)
        assert heard[-1]["total_samples"] == len(audio(heard)) // 2 - PRIMER_SAMPLES


async def test_1_13_token_by_token_says_the_same_as_all_at_once(seed: ServerProcess) -> None:
    text = "The first sentence is here. A second one follows it, with a comma. And that is all."
    async with talk(seed) as client:
        whole = await client.say("whole", text)
        for start in range(0, len(text), 3):
            await client.tell("input.append", response_id="pieces", text=text[start : start + 3])
        await client.tell("input.commit")
        pieces = await client.hear_end("pieces")
    assert kinds(pieces) == kinds(whole) == ["created", "output_audio.delta", "completed"]
    assert pieces[-1]["total_samples"] == pytest.approx(whole[-1]["total_samples"], rel=0.05)


async def test_1_15_session_end_drains_the_queue_and_closes_with_1000(seed: ServerProcess) -> None:
    async with talk(seed) as client:
        for name in ("a", "b", "c"):
            await client.create(name, "Some words.")
        await client.tell("input.append", text="Never committed")
        await client.tell("session.end")
        await client.create("late", "Too late.")
        heard: list[Event] = []
        while sum(event["type"] == "response.completed" for event in heard) < 4:
            heard.append(await client.hear())
        assert await client.closed() == 1000
    completed = [event["response"] for event in heard if event["type"] == "response.completed"]
    assert completed[:3] == ["a", "b", "c"]
    refused = [event for event in heard if event["type"] == "response.error"]
    assert [(event["response"], event["code"]) for event in refused] == [("late", "session_ended")]


async def test_1_16_twenty_pipelined_sentences_complete_in_order(seed: ServerProcess) -> None:
    names = [str(index) for index in range(20)]
    async with talk(seed) as client:
        for name in names:
            await client.create(name, f"This is sentence number {name}.")
        heard = await client.hear_end("19")
    speaking = [event["response"] for event in heard]
    assert speaking == sorted(speaking, key=int), "no two of them are mixed"
    assert [event["response"] for event in heard if event["type"] == "response.completed"] == names
    assert not any(event["type"] == "response.error" for event in heard)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("not json", "bad_json"),
        ('["response.create"]', "bad_json"),
        (b"\x00\x01", "unexpected_binary"),
        ('{"type":"response.sing"}', "unknown_type"),
        ('{"response_id":"no type"}', "unknown_type"),
        ('{"type":"response.create","input":5}', "bad_text"),
        ('{"type":"input.append","text":["a"]}', "bad_text"),
        ('{"type":"response.create","input":" \\n\\t "}', "empty_text"),
        ('{"type":"response.create"}', "empty_text"),
        ('{"type":"input.commit"}', "empty_text"),
    ],
)
async def test_1_17_bad_messages_are_told_and_the_socket_stays_usable(
    seed: ServerProcess, message: str | bytes, code: str
) -> None:
    async with talk(seed) as client:
        await client.link.send(message)
        refused = await client.hear()
        assert (refused["type"], refused["code"]) == ("response.error", code)
        if code == "unknown_type":
            assert "got" in refused
        assert kinds(await client.say("next", "Hello."))[-1] == "completed"


async def test_1_18_too_long_names_the_bound_and_what_came(seed: ServerProcess) -> None:
    async with talk(seed) as client:
        (refused,) = await client.say("a", "word " * 151)
        assert (refused["code"], refused["max_words"], refused["got_words"]) == ("too_long", 150, 151)
        assert kinds(await client.say("b", "a " * 150))[-1] == "completed"


@pytest.mark.parametrize("asked", [{"format": "midi"}, {"format": "opus", "sample_rate": 11_025}, {"sample_rate": -1}])
async def test_1_27_a_format_that_cannot_be_sent_is_refused_and_nothing_changes(
    seed: ServerProcess, asked: dict[str, Any]
) -> None:
    async with talk(seed) as client:
        await client.tell("session.update", session={"audio": asked})
        assert (await client.hear())["code"] == "invalid_format"
        await client.tell("session.update")
        assert (await client.hear())["session"]["audio"] == {"format": "pcm", "sample_rate": RATE}


async def test_1_27_opus_is_a_whole_ogg_stream_for_each_response(seed: ServerProcess) -> None:
    async with talk(seed) as client:
        await client.tell("session.update", session={"audio": {"format": "opus", "sample_rate": RATE}})
        await client.hear()
        streams = [audio(await client.say(name, SECOND)) for name in ("a", "b")]
    assert [stream[:4] for stream in streams] == [b"OggS", b"OggS"]
    for stream in streams:
        decoded, rate = decode(stream)
        assert len(decoded) / rate == pytest.approx(1.0, abs=0.05)


async def test_1_28_healthz_and_readyz_tell_503_until_the_model_is_loaded(
    start: Start, servers: Any, seed: ServerProcess
) -> None:
    loading = servers.fresh(("tone",), model_options={"tone": {"load_s": 2}})
    coming = asyncio.create_task(asyncio.to_thread(loading.start))
    seen: set[tuple[int, int]] = set()
    try:
        async with httpx.AsyncClient(base_url=loading.url, trust_env=False, timeout=WAIT_S) as http:
            async with asyncio.timeout(WAIT_S):
                while not coming.done() or (200, 200) not in seen:
                    try:
                        alive, ready = await http.get("/healthz"), await http.get("/readyz")
                    except httpx.ConnectError:
                        await asyncio.sleep(0.02)
                        continue
                    seen.add((alive.status_code, ready.status_code))
                    assert alive.json() == {"ok": True}
                    if ready.status_code == 503:
                        assert "tone" in ready.json()["detail"]
                    await asyncio.sleep(0.02)
        assert seen == {(200, 503), (200, 200)}
    finally:
        await asyncio.gather(coming, return_exceptions=True)
        loading.stop()
    facts = httpx.get(f"{seed.url}/readyz", trust_env=False).json()
    assert facts["ok"] is True and facts["voices"] == {"female": "bright", "male": "hollow"}
    assert {"device", "gpu_name", "ffmpeg_available", "speed", "stream_chunk_seconds"} <= set(facts)
    assert [model["state"] for model in health(seed)["models"]] == ["ready", "ready"]


async def test_espeak_speaks_over_the_same_socket(seed: ServerProcess) -> None:
    async with talk(seed) as client:
        heard = await client.say("a", "This is a real voice.", model="espeak", voice="en-us")
        sound = body(heard)
        assert 0.8 < len(sound) / RATE < 3 and np.abs(sound).max() > 0.1
        tone = body(await client.say("b", "This is a real voice."))
        assert len(tone) / RATE == pytest.approx(len("This is a real voice.") * 0.065, abs=0.1)
