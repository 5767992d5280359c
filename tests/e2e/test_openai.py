"""The unmodified OpenAI SDK for Python against a real server: every format, voice and error that it knows."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from typing import Any, cast

import av
import httpx
import httpx2
import numpy as np
import openai
import pytest

from tests.e2e.conftest import Start
from tests.e2e.probe import ended, idle, metric, until
from tests.e2e.talk import WAIT_S, peak_hz
from tests.fakes.server_process import ServerProcess

CAP = 2
ENDLESS = "{{long 3000}}"
TEXT = "The first words are heard while the last ones are still being made."
OPENAI_VOICES = (
    *("alloy", "ash", "ballad", "cedar", "coral", "echo", "fable"),
    *("marin", "nova", "onyx", "sage", "shimmer", "verse"),
)


@pytest.fixture(scope="module")
def served(start: Start) -> ServerProcess:
    """Tone is the default model; places are few, so that a leak shows."""
    seed = {"MAX_CONCURRENT_JOBS": str(CAP), "MAX_QUEUED_REQUESTS": "0"}
    return start(seed, tone={"x_realtime": 100}, models=("tone", "espeak"))


@pytest.fixture
async def sdk(served: ServerProcess) -> AsyncIterator[openai.AsyncOpenAI]:
    transport = httpx2.AsyncClient(trust_env=False)
    base = f"{served.url}/v1"
    async with openai.AsyncOpenAI(base_url=base, api_key="any", max_retries=0, http_client=transport) as client:
        yield client


def decoded(data: bytes, raw_rate: int | None = None) -> tuple[np.ndarray, int]:
    """Samples and rate of any stream, read by an independent decoder."""
    if raw_rate is not None:
        return np.frombuffer(data, "<i2") / 32768, raw_rate
    with av.open(io.BytesIO(data), "r") as container:
        resampler = av.AudioResampler(format="flt", layout="mono")
        frames = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]), frames[0].sample_rate


@pytest.mark.parametrize("name", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
@pytest.mark.parametrize(("model", "longest_s"), [("tone", len(TEXT) * 0.065 + 0.3), ("espeak", 6.0)])
async def test_streams_decode_to_speech_of_the_right_length(
    sdk: openai.AsyncOpenAI, name: Any, model: str, longest_s: float
) -> None:
    request = sdk.audio.speech.with_streaming_response.create(
        model=model, voice="alloy", input=TEXT, response_format=name
    )
    async with request as response:
        pieces = [piece async for piece in response.iter_bytes(4096)]
        assert response.headers["x-syrinx-model"] == model
    sound, rate = decoded(b"".join(pieces), 24_000 if name == "pcm" else None)
    seconds = len(sound) / rate
    assert 3.5 < seconds < longest_s
    if model == "tone":
        assert seconds == pytest.approx(len(TEXT) * 0.065, abs=0.3)
    halves = np.array_split(sound, 2)
    assert all(np.abs(half).max() > 0.05 for half in halves), "it sounds to the end"


async def test_sound_arrives_while_the_rest_is_being_made(sdk: openai.AsyncOpenAI, served: ServerProcess) -> None:
    request = sdk.audio.speech.with_streaming_response.create(
        model="tts-1", voice="alloy", input=ENDLESS, response_format="mp3"
    )
    async with request as response:
        got = 0
        async for piece in response.iter_bytes():
            got += len(piece)
            if got > 20_000:
                break
    await idle(served)  # hanging up stopped a model that had 50 minutes to go
    assert metric(served, "syrinx_cancel_to_idle_seconds_count") >= 1


@pytest.mark.parametrize("voice", OPENAI_VOICES)
@pytest.mark.parametrize("model", ["tts-1", "espeak"])
async def test_all_openai_voices_speak(sdk: openai.AsyncOpenAI, voice: str, model: str) -> None:
    speech = await sdk.audio.speech.create(model=model, voice=voice, input="Hello.", response_format="pcm")
    sound, _ = decoded(speech.content, 24_000)
    assert np.abs(sound).max() > 0.05


async def test_a_voice_object_and_own_names_are_understood(sdk: openai.AsyncOpenAI) -> None:
    for voice in ({"id": "deep"}, "deep", "female", "default"):
        speech = await sdk.audio.speech.create(model="gpt-4o-mini-tts", voice=voice, input="Hi.", response_format="pcm")  # type: ignore[arg-type]
        assert len(speech.content) > 1000


async def test_unknown_fields_are_ignored_and_speed_is_kept(sdk: openai.AsyncOpenAI) -> None:
    lengths = {}
    for speed in (0.25, 1.0, 4.0):
        speech = await sdk.audio.speech.create(
            model="tts-1",
            voice="alloy",
            input=TEXT,
            response_format="pcm",
            speed=speed,
            extra_body={"lang": "en", "a": {}},
        )
        lengths[speed] = len(speech.content)
    assert lengths[0.25] == pytest.approx(4 * lengths[1.0], rel=0.02)
    assert lengths[4.0] == pytest.approx(lengths[1.0] / 4, rel=0.05)


async def test_sse_deltas_join_to_the_stream_and_end_with_the_usage(served: ServerProcess) -> None:
    body = {"model": "tts-1", "voice": "alloy", "input": "{{long 1}}", "stream_format": "sse", "response_format": "wav"}
    async with httpx.AsyncClient(base_url=served.url, trust_env=False, timeout=WAIT_S) as http:
        answer = await http.post("/v1/audio/speech", json=body)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [json.loads(block.removeprefix("data: ")) for block in answer.text.split("\n\n") if block]
    assert [event["type"] for event in events[:-1]] == ["speech.audio.delta"] * (len(events) - 1)
    assert events[-1]["type"] == "speech.audio.done" and events[-1]["usage"]["total_tokens"] > 0
    sound, rate = decoded(b"".join(base64.b64decode(event["audio"]) for event in events[:-1]))
    assert len(sound) / rate == pytest.approx(1.0, abs=0.01)
    assert 195 < peak_hz(sound, rate) < 1205


async def test_a_sample_rate_may_be_asked_for(served: ServerProcess) -> None:
    async with httpx.AsyncClient(base_url=served.url, trust_env=False, timeout=WAIT_S) as http:
        for rate in (8000, 22_050, 48_000):
            body = {"input": "{{long 1}}", "response_format": "wav", "sample_rate": rate}
            sound, told = decoded((await http.post("/v1/audio/speech", json=body)).content)
            assert told == rate and len(sound) == pytest.approx(rate, rel=0.001)


async def fill(client: openai.AsyncOpenAI, stack: AsyncExitStack) -> None:
    """Take every place until the stack is closed."""
    for _ in range(CAP):
        request = client.audio.speech.with_streaming_response.create(model="tts-1", voice="alloy", input=ENDLESS)
        response = await stack.enter_async_context(request)
        pieces = await stack.enter_async_context(aclosing(cast("AsyncGenerator[bytes]", response.iter_bytes(100))))
        await anext(pieces)  # a forgotten iterator would close its response


async def test_a_full_server_raises_rate_limit_error_with_retry_after(
    sdk: openai.AsyncOpenAI, served: ServerProcess
) -> None:
    async with AsyncExitStack() as stack:
        await fill(sdk, stack)
        with pytest.raises(openai.RateLimitError) as caught:
            await sdk.audio.speech.create(model="tts-1", voice="alloy", input="Hello.")
        assert int(caught.value.response.headers["retry-after"]) >= 1
        assert caught.value.code == "rate_limit_exceeded"
    await idle(served)
    await sdk.audio.speech.create(model="tts-1", voice="alloy", input="Hello.")


async def test_the_sdk_retries_by_itself_until_there_is_room(served: ServerProcess) -> None:
    transport = httpx2.AsyncClient(trust_env=False)
    options: dict[str, Any] = {"base_url": f"{served.url}/v1", "api_key": "any", "http_client": transport}
    async with openai.AsyncOpenAI(max_retries=5, **options) as patient, AsyncExitStack() as stack:
        await fill(patient, stack)
        refused = ended(served, "overloaded")
        waiting = asyncio.create_task(
            patient.audio.speech.create(model="tts-1", voice="alloy", input="Hi.", response_format="pcm")
        )
        await until(lambda: ended(served, "overloaded") > refused, "a first refusal")
        await stack.aclose()
        assert len((await waiting).content) > 1000


@pytest.mark.parametrize(
    ("fields", "error", "code", "param"),
    [
        ({"voice": "nobody"}, openai.BadRequestError, "voice_not_found", "voice"),
        ({"response_format": "midi"}, openai.BadRequestError, "unsupported_format", "response_format"),
        ({"input": ""}, openai.BadRequestError, "empty_text", "input"),
        ({"input": "🙂"}, openai.BadRequestError, "empty_text", "input"),
        ({"speed": 9}, openai.BadRequestError, "invalid_request", "speed"),
        ({"stream_format": "xml"}, openai.BadRequestError, "invalid_request", "stream_format"),
        ({"extra_body": {"sample_rate": 7}}, openai.BadRequestError, "unsupported_format", "sample_rate"),
        ({"input": "{{error}}"}, openai.InternalServerError, "model_failed", None),
    ],
)
async def test_what_is_wrong_raises_the_typed_error(
    sdk: openai.AsyncOpenAI, fields: dict[str, Any], error: type[openai.APIStatusError], code: str, param: str | None
) -> None:
    with pytest.raises(error) as caught:
        await sdk.audio.speech.create(**{"model": "tts-1", "voice": "alloy", "input": "Hello.", **fields})
    assert (caught.value.code, caught.value.param) == (code, param)
    assert caught.value.request_id and caught.value.message


async def test_an_unknown_model_is_a_typed_404(sdk: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        await sdk.models.retrieve("nothing")
    assert caught.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError) as caught:
        await sdk.audio.speech.create(model="nothing", voice="alloy", input="Hello.")
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    assert [model.id async for model in sdk.models.list()] == ["tone", "espeak"]


async def test_a_stream_that_breaks_does_not_look_whole(sdk: openai.AsyncOpenAI) -> None:
    request = sdk.audio.speech.with_streaming_response.create(
        model="tts-1", voice="alloy", input="{{long 2}} {{error}}", response_format="pcm"
    )
    with pytest.raises((openai.APIConnectionError, httpx2.RemoteProtocolError)):
        async with request as response:
            async for _ in response.iter_bytes():
                pass
