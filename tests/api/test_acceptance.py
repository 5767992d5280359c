"""The rows of the acceptance list of founding system 2, each as its users would see it."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from syrinx import TTSConfig, TTSEngine, get_tts_engine, shutdown_tts_engine
from syrinx.api import SpeechStream
from syrinx.core.errors import (
    EmptyText,
    InvalidRequest,
    ModelFailed,
    ModelNotFound,
    ModelNotReady,
    SyrinxError,
    TextTooLong,
    VoiceNotFound,
)
from tests.api.conftest import REFERENCE_HZ, run_script
from tests.e2e.talk import WAIT_S, peak_hz, samples

TEXT = "The first words are heard while the last ones are still being made."
CHUNK_BYTES = 2 * 1920
"""80 ms at 24 kHz."""


async def spoken(stream: SpeechStream) -> bytes:
    return b"".join([chunk async for chunk in stream])


async def tokens(*pieces: str) -> AsyncIterator[str]:
    for piece in pieces:
        yield piece


async def idle(engine: TTSEngine) -> None:
    """Wait until the model works on nothing."""
    async with asyncio.timeout(WAIT_S):
        while (await engine.health_check())["running"]:
            await asyncio.sleep(0.01)


# --- 2-01 -------------------------------------------------------------------------------------------------------


def test_2_01_import_is_cheap() -> None:
    code = "import sys; before = set(sys.modules); import syrinx; print(sorted(set(sys.modules) - before))"
    assert run_script(code).strip() == "['syrinx']"
    heavy = ("pydantic", "starlette", "uvicorn", "sqlalchemy", "av", "syrinx.wiring")
    code = f"import sys; from syrinx import TTSEngine; TTSEngine(); print([m for m in {heavy} if m in sys.modules])"
    assert run_script(code).strip() == "[]"
    code = "import threading; from syrinx import TTSEngine; TTSEngine(); print(threading.active_count())"
    assert run_script(code).strip() == "1"


async def test_2_01_lazy_load_and_second_init(tone: TTSEngine) -> None:
    life = tone._current()
    await asyncio.gather(*(tone.initialize() for _ in range(5)))
    await tone.initialize()
    assert tone._current() is life


async def test_2_01_concurrent_inits_share_one_loading_and_the_first_speech_initialises(data_dir: Path) -> None:
    engine = TTSEngine(TTSConfig("tone", data_dir=data_dir, model_options={"load_s": 0.5}))
    assert (await engine.health_check())["status"] == "not_initialized"
    try:
        first = asyncio.create_task(engine.initialize())
        await asyncio.sleep(0)
        life = engine._current()
        assert (await engine.health_check())["status"] == "initializing"
        hasty = asyncio.create_task(engine.initialize())
        await asyncio.sleep(0)
        hasty.cancel()  # one who gives up takes nothing from the others
        assert await spoken(engine.synthesize_streaming("Hello."))
        await first
        assert engine._current() is life
    finally:
        await engine.cleanup()


# --- 2-02 -------------------------------------------------------------------------------------------------------


async def test_2_02_chunks_of_80_ms(tone: TTSEngine) -> None:
    chunks = [chunk async for chunk in tone.synthesize_streaming(TEXT)]
    assert {len(chunk) for chunk in chunks[:-1]} == {CHUNK_BYTES}
    assert 0 < len(chunks[-1]) <= CHUNK_BYTES and len(chunks[-1]) % 2 == 0
    assert sum(map(len, chunks)) / 48_000 == pytest.approx(0.065 * len(TEXT), rel=0.05)
    assert np.abs(samples(b"".join(chunks))).max() > 0.1


async def test_2_02_the_first_chunk_comes_before_synthesis_ends(tone: TTSEngine) -> None:
    stream = tone.synthesize_streaming("Without end. {{runaway}}")
    async with asyncio.timeout(WAIT_S):
        assert len(await anext(stream)) == CHUNK_BYTES
    await stream.aclose()


@pytest.mark.parametrize(
    ("config", "size"),
    [
        ({"streaming_chunk_duration": 0.02}, 2 * 480),
        ({"sample_rate": 16_000}, 2 * 1280),
        ({"chunk_size": 512}, 2 * 512),
    ],
)
async def test_2_02_chunks_as_configured(data_dir: Path, config: dict[str, Any], size: int) -> None:
    async with TTSEngine(TTSConfig("tone", data_dir=data_dir, **config)) as engine:
        chunks = [chunk async for chunk in engine.synthesize_streaming(TEXT)]
    assert {len(chunk) for chunk in chunks[:-1]} == {size}


async def test_2_02_the_rate_is_what_it_says(data_dir: Path, recording: bytes) -> None:
    config = TTSConfig("tone", 16_000, reference_audio=recording, data_dir=data_dir, pad_length=8000, streaming=False)
    async with TTSEngine(config) as engine:
        chunks = [chunk async for chunk in engine.synthesize_streaming(TEXT)]
        (batched,) = await engine.synthesize_batch([TEXT])
    assert len(chunks) == 1  # streaming is off
    sound = samples(chunks[0])
    assert peak_hz(sound, 16_000) == pytest.approx(REFERENCE_HZ, rel=0.02)
    assert len(sound) / 16_000 == pytest.approx(0.065 * len(TEXT) + 0.5, rel=0.05)
    assert not sound[-8000:].any()  # the padding
    assert batched is not None and len(batched) == pytest.approx(len(sound), rel=0.01)


async def test_2_02_a_stream_knows_how_far_it_was_heard(tone: TTSEngine) -> None:
    stream = tone.synthesize_streaming(TEXT)
    assert await spoken(stream) and stream.spoken_until == len(TEXT)
    assert (stream.heard, stream.remaining) == (TEXT, "")
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    await stream.aclose()
    assert stream.spoken_until == len(TEXT), "a program may have played it since"


async def test_a_program_says_how_much_it_played_of_what_it_has_long_read(tone: TTSEngine) -> None:
    text = "Well, $5 😀 is a lot.\n"
    stream = tone.synthesize_streaming(text)
    await spoken(stream)
    await stream.aclose(0.01)
    assert (stream.heard, stream.remaining) == ("Well,", " $5 😀 is a lot.\n")
    plain = tone.speak(text)
    await asyncio.to_thread(list, plain)
    await asyncio.to_thread(plain.close, 0.0)
    assert (plain.heard, plain.remaining) == ("", text)


async def test_who_leaves_a_stream_in_the_middle_says_how_much_was_played(tone: TTSEngine) -> None:
    text = "One two three. " * 200
    stream = tone.synthesize_streaming(text)
    await anext(stream)
    await stream.aclose(0.01)
    assert (stream.heard, stream.remaining) == ("One", text.removeprefix("One"))


async def test_2_02_text_may_come_as_tokens(tone: TTSEngine) -> None:
    whole = await spoken(tone.synthesize_streaming("One two three. Four five six."))
    pieces = await spoken(tone.synthesize_streaming(tokens("One ", "two thr", "ee. ", "Four five", " six", ".")))
    assert len(pieces) == pytest.approx(len(whole), rel=0.05)


async def test_2_02_sound_comes_before_the_last_token(tone: TTSEngine) -> None:
    heard = asyncio.Event()

    async def answer() -> AsyncIterator[str]:
        yield "This is the first sentence. And "
        await heard.wait()
        yield "this the second."

    async with asyncio.timeout(WAIT_S):
        async for _ in tone.synthesize_streaming(answer()):
            heard.set()
    assert heard.is_set()


async def test_2_02_a_failing_source_of_text_ends_the_speech_with_its_error(tone: TTSEngine) -> None:
    async def broken() -> AsyncIterator[str]:
        yield "This is said. "
        raise ZeroDivisionError("the language model is gone")

    with pytest.raises(ZeroDivisionError, match="language model"):
        await spoken(tone.synthesize_streaming(broken()))
    await idle(tone)


@pytest.mark.parametrize(
    ("text", "error", "param"),
    [
        ("", EmptyText, "text"),
        (" \n", EmptyText, "text"),
        ("***", EmptyText, "text"),
        (None, InvalidRequest, "text"),
        (b"bytes", InvalidRequest, "text"),
        (["a", "list"], InvalidRequest, "text"),
        ("x" * 200_001, TextTooLong, "text"),
        (tokens(), EmptyText, "text"),
        (tokens("a", 7), InvalidRequest, "text"),  # type: ignore[arg-type] - the point
        (tokens(*["x" * 50_000] * 5), TextTooLong, "text"),
    ],
)
async def test_2_02_bad_text_is_refused_in_the_callers_words(
    tone: TTSEngine, text: Any, error: type[SyrinxError], param: str
) -> None:
    with pytest.raises(error) as raised:
        await spoken(tone.synthesize_streaming(text))
    assert raised.value.param == param
    assert await spoken(tone.synthesize_streaming("It speaks on."))


async def test_2_02_a_broken_model_is_told_after_what_it_had_made(tone: TTSEngine) -> None:
    heard = 0
    with pytest.raises(ModelFailed):
        async for chunk in tone.synthesize_streaming("Some words are spoken. {{error}} These are not."):
            heard += len(chunk)
    assert heard > 0


# --- 2-03 -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [0.5, 0.8, 1.25, 2.0])
async def test_2_03_speed_and_pitch_have_their_effect(cloned: TTSEngine, factor: float) -> None:
    plain = samples(await spoken(cloned.synthesize_streaming(TEXT)))
    fast = samples(await spoken(cloned.synthesize_streaming(TEXT, speed=factor)))
    high = samples(await spoken(cloned.synthesize_streaming(TEXT, pitch=factor)))
    assert len(fast) == pytest.approx(len(plain) / factor, rel=0.02)
    assert peak_hz(fast) == pytest.approx(peak_hz(plain), rel=0.01)
    assert len(high) == pytest.approx(len(plain), rel=0.02)
    assert peak_hz(high) == pytest.approx(factor * peak_hz(plain), rel=0.01)


@pytest.mark.parametrize("name", ["speed", "pitch"])
@pytest.mark.parametrize("value", [0.49, 2.01, 0, -1, math.nan, math.inf, "fast", None, True])
async def test_2_03_out_of_range_is_refused(tone: TTSEngine, name: str, value: Any) -> None:
    with pytest.raises(InvalidRequest) as raised:
        await spoken(tone.synthesize_streaming("Hello.", **{name: value}))
    assert raised.value.param == name


async def test_2_03_it_is_refused_before_a_model_is_loaded() -> None:
    engine = TTSEngine()
    with pytest.raises(InvalidRequest):
        await spoken(engine.synthesize_streaming("Hello.", speed=3.0))
    assert (await engine.health_check())["status"] == "not_initialized"


# --- 2-04 -------------------------------------------------------------------------------------------------------


async def test_2_04_batch_with_partial_failure(tone: TTSEngine) -> None:
    texts: list[Any] = ["Hello there.", "", "{{error}}", "And a longer one, to be spoken last.", 7, "x" * 200_001, None]
    speakers: list[Any] = [None, 0, "sine", 1, 0, 0, 0]
    batch = await tone.synthesize_batch(texts, speakers)
    assert [item is not None for item in batch] == [True, False, False, True, False, False, False]
    assert [type(error) for error in batch.errors] == [
        type(None),
        EmptyText,
        ModelFailed,
        type(None),
        InvalidRequest,
        TextTooLong,
        InvalidRequest,
    ]
    assert "must be str" in str(batch.errors[-1])
    hello, longer = batch[0], batch[3]
    assert hello is not None and longer is not None
    assert hello.dtype == longer.dtype == np.float32 and hello.ndim == 1
    assert 0.1 < np.abs(hello).max() <= 1.0
    assert len(longer) / 24_000 == pytest.approx(0.065 * len(texts[3]), rel=0.1)


async def test_2_04_speakers_of_a_batch(tone: TTSEngine) -> None:
    batch = await tone.synthesize_batch(["One.", "Two.", "Three.", "Four."], [99, "nobody", 2.5, True])  # type: ignore[list-item]
    assert [type(error) for error in batch.errors] == [VoiceNotFound, VoiceNotFound, InvalidRequest, InvalidRequest]
    assert {error.param for error in batch.errors if error is not None} == {"speaker_id"}


async def test_2_04_many_texts_and_none(tone: TTSEngine) -> None:
    assert await tone.synthesize_batch([]) == []
    batch = await tone.synthesize_batch([f"This is number {n}." for n in range(40)])
    assert all(item is not None and len(item) for item in batch)


@pytest.mark.parametrize(("texts", "speakers"), [("one text", None), (None, None), (["a", "b"], [0])])
async def test_2_04_lists_that_do_not_match_are_refused(tone: TTSEngine, texts: Any, speakers: Any) -> None:
    with pytest.raises(InvalidRequest):
        await tone.synthesize_batch(texts, speakers)


async def test_2_04_a_canceled_batch_stops_the_model(tone: TTSEngine) -> None:
    batch = asyncio.create_task(tone.synthesize_batch(["{{runaway}}"] * 3))
    async with asyncio.timeout(WAIT_S):
        while not (await tone.health_check())["running"]:
            await asyncio.sleep(0.01)
    batch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await batch
    await idle(tone)


# --- 2-05 -------------------------------------------------------------------------------------------------------


async def test_2_05_speakers(tone: TTSEngine) -> None:
    speakers = await tone.get_available_speakers()
    assert speakers[:5] == ["default", "sine", "deep", "bright", "hollow"]
    for speaker_id in (0, 2, "deep", "male", None):
        assert await spoken(tone.synthesize_streaming("Hello.", speaker_id))


@pytest.mark.parametrize("speaker", [-1, 99, "nobody", "", True, 1.5, b"sine"])
async def test_2_05_an_unknown_speaker_is_refused(tone: TTSEngine, speaker: Any) -> None:
    if speaker == "":
        assert await spoken(tone.synthesize_streaming("Hello.", speaker))  # no name: the default
        return
    with pytest.raises(InvalidRequest) as raised:
        await spoken(tone.synthesize_streaming("Hello.", speaker))
    assert raised.value.param == "speaker_id"


# --- 2-06 -------------------------------------------------------------------------------------------------------


async def test_2_06_reference_voice(cloned: TTSEngine) -> None:
    sound = samples(await spoken(cloned.synthesize_streaming(TEXT)))
    assert peak_hz(sound) == pytest.approx(REFERENCE_HZ, rel=0.02)
    (batched,) = await cloned.synthesize_batch([TEXT], [0])
    assert batched is not None and peak_hz(batched) == pytest.approx(REFERENCE_HZ, rel=0.02)


async def test_2_06_a_file_is_cloned_once(data_dir: Path, recording: bytes, cloned: TTSEngine, tmp_path: Path) -> None:
    (tmp_path / "me.wav").write_bytes(recording)
    before = await cloned.get_available_speakers()
    async with TTSEngine(TTSConfig("tone", reference_audio=tmp_path / "me.wav", data_dir=data_dir)) as engine:
        assert await engine.get_available_speakers() == before
        sound = samples(await spoken(engine.synthesize_streaming(TEXT)))
    assert peak_hz(sound) == pytest.approx(REFERENCE_HZ, rel=0.02)


@pytest.mark.parametrize(
    ("model", "reference", "code"),
    [
        ("tone", b"no audio at all", "bad_audio"),
        ("tone", "nowhere/me.wav", "bad_audio"),
        ("tone", b"", "bad_audio"),
        ("espeak", None, "cannot_clone"),
    ],
)
async def test_2_06_or_a_clear_refusal(
    data_dir: Path, recording: bytes, model: str, reference: bytes | str | None, code: str
) -> None:
    source = recording if reference is None else reference
    engine = TTSEngine(TTSConfig(model, reference_audio=source, data_dir=data_dir))
    with pytest.raises(InvalidRequest) as raised:
        await engine.initialize()
    assert (raised.value.code, raised.value.param) == (code, "reference_audio")
    assert (await engine.health_check())["detail"] == str(raised.value)


# --- 2-07 -------------------------------------------------------------------------------------------------------


async def test_2_07_health_is_true(data_dir: Path) -> None:
    engine = TTSEngine(TTSConfig("tone", data_dir=data_dir))
    assert await engine.health_check() == {
        "status": "not_initialized",
        "model": "tone",
        "streaming_enabled": True,
        "sample_rate": 24_000,
        "detail": "It was not used yet, or was cleaned up.",
    }
    async with engine:
        health = await engine.health_check()
        assert health["status"] == "healthy" and health["model"] == "tone" and health["detail"] == ""
        with contextlib.suppress(ModelFailed, ModelNotReady):
            await spoken(engine.synthesize_streaming("{{crash}}"))
        async with asyncio.timeout(WAIT_S):
            while not (await engine.health_check())["restarts"]:
                await asyncio.sleep(0.01)
    assert (await engine.health_check())["status"] == "not_initialized"


async def test_2_07_not_healthy_without_a_model() -> None:
    engine = TTSEngine(TTSConfig("no-such-model"))
    for _ in range(2):  # and it may be tried again
        with pytest.raises(ModelNotFound) as raised:
            await engine.initialize()
        health = await engine.health_check()
        assert health["status"] == "unhealthy" and health["detail"] == str(raised.value)
    with pytest.raises(ModelNotFound):
        await spoken(engine.synthesize_streaming("Hello."))
    with pytest.raises(ModelNotFound):
        await engine.synthesize_batch(["Hello."])
    await engine.cleanup()


# --- 2-08 -------------------------------------------------------------------------------------------------------


async def test_2_08_cleanup_may_be_repeated(data_dir: Path) -> None:
    engine = TTSEngine(TTSConfig("tone", data_dir=data_dir))
    await engine.cleanup()  # of what never began
    await engine.initialize()
    stream = engine.synthesize_streaming("{{runaway}}")
    await anext(stream)
    await asyncio.gather(engine.cleanup(), engine.cleanup())
    await engine.cleanup()
    with pytest.raises(ModelNotReady, match="shut down"):
        await spoken(stream)
    try:
        assert await spoken(engine.synthesize_streaming("It speaks again."))
    finally:
        await engine.cleanup()


async def test_2_08_shutdown_then_get_gives_a_fresh_engine(data_dir: Path) -> None:
    config = TTSConfig("tone", data_dir=data_dir)
    await shutdown_tts_engine()  # of none
    first = await get_tts_engine(config)
    try:
        await shutdown_tts_engine()
        await shutdown_tts_engine()
        second = await get_tts_engine(config)
        assert second is not first
        assert await spoken(second.synthesize_streaming("Hello."))
    finally:
        await shutdown_tts_engine()


# --- 2-09 -------------------------------------------------------------------------------------------------------


async def test_2_09_concurrent_first_calls_get_one_engine(data_dir: Path) -> None:
    config = TTSConfig("tone", data_dir=data_dir)

    def in_a_thread() -> TTSEngine:
        return asyncio.run(get_tts_engine(config))

    try:
        tasks = [get_tts_engine(config) for _ in range(5)] + [asyncio.to_thread(in_a_thread) for _ in range(5)]
        engines = await asyncio.gather(*tasks)
        assert len({id(engine) for engine in engines}) == 1
        assert await get_tts_engine() is engines[0]
        with pytest.raises(SyrinxError, match="another configuration"):
            await get_tts_engine(TTSConfig("espeak"))
    finally:
        await shutdown_tts_engine()


# --- 2-11 -------------------------------------------------------------------------------------------------------


async def test_2_11_leaving_the_loop_stops_the_model(tone: TTSEngine) -> None:
    async for _ in tone.synthesize_streaming("{{runaway}}"):
        break
    await idle(tone)


async def test_2_11_leaving_with_tokens_to_come_stops_the_model(tone: TTSEngine) -> None:
    ended = asyncio.Event()

    async def endless() -> AsyncIterator[str]:
        try:
            while True:
                yield "On and on it goes. "
                await asyncio.sleep(0.01)
        finally:
            ended.set()

    async for _ in tone.synthesize_streaming(endless()):
        break
    async with asyncio.timeout(WAIT_S):
        await ended.wait()
    await idle(tone)


async def test_2_11_aclose_from_another_task_ends_the_loop(tone: TTSEngine) -> None:
    text = "One two three four five. {{long 3000}}"
    stream = tone.synthesize_streaming(text)
    await anext(stream)

    async def read_on() -> int:
        return sum([len(chunk) async for chunk in stream])

    reading = asyncio.create_task(read_on())
    await asyncio.sleep(0)
    await stream.aclose()
    await stream.aclose()
    async with asyncio.timeout(WAIT_S):
        assert await reading < 48_000 * 3000
    assert 0 <= stream.spoken_until < len(text)
    await idle(tone)


async def test_2_11_a_canceled_task_stops_the_model(tone: TTSEngine) -> None:
    begun = asyncio.Event()

    async def read() -> None:
        async for _ in tone.synthesize_streaming("{{runaway}}"):
            begun.set()

    task = asyncio.create_task(read())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await idle(tone)
