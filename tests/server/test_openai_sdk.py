"""The unmodified OpenAI SDK against our routes."""

from __future__ import annotations

import httpx2
import openai
import pytest

from tests.fakes.engine import PIECE
from tests.fakes.live import Live, live


def sdk(server: Live, key: str = "anything", retries: int = 0) -> openai.AsyncOpenAI:
    client = httpx2.AsyncClient(trust_env=False)
    return openai.AsyncOpenAI(
        base_url=f"http://{server.address}/v1", api_key=key, max_retries=retries, http_client=client
    )


async def test_the_sdk_streams_speech():
    async with live() as server, sdk(server) as client:
        request = client.audio.speech.with_streaming_response.create(
            model="gpt-4o-mini-tts", voice="alloy", input="Hello.", response_format="pcm", speed=1.5
        )
        async with request as response:
            pieces = [piece async for piece in response.iter_bytes()]
        request_id = response.headers["x-request-id"]
        opened = server.engine.sessions[0].received[0]
    assert b"".join(pieces) == PIECE and request_id
    assert opened.request.voice == "alloy" and opened.request.delivery.speed == 1.5  # type: ignore[union-attr]


async def test_the_sdk_gets_a_whole_answer_and_lists_models():
    async with live() as server, sdk(server) as client:
        speech = await client.audio.speech.create(model="tts-1", voice="nova", input="Hello.")
        models = [model.id async for model in client.models.list()]
        model = await client.models.retrieve("fake")
    assert speech.content == PIECE
    assert models == ["fake"] and model.object == "model"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (" ", openai.BadRequestError),
        ("{{busy}}", openai.RateLimitError),
        ("{{error}}", openai.InternalServerError),
    ],
)
async def test_the_sdk_raises_the_error_that_was_meant(text: str, error: type[openai.APIStatusError]):
    async with live() as server, sdk(server) as client:
        with pytest.raises(error) as caught:
            await client.audio.speech.create(model="tts-1", voice="nova", input=text)
    assert caught.value.request_id and caught.value.message


async def test_the_sdk_is_told_that_its_key_is_wrong():
    async with live(api_key="sesame") as server, sdk(server, "wrong") as client, sdk(server, "sesame") as good:
        with pytest.raises(openai.AuthenticationError):
            await client.audio.speech.create(model="tts-1", voice="nova", input="Hello.")
        assert (await good.audio.speech.create(model="tts-1", voice="nova", input="Hello.")).content == PIECE


async def test_the_sdk_notices_a_broken_stream():
    async with live() as server, sdk(server) as client:
        with pytest.raises((openai.APIConnectionError, httpx2.RemoteProtocolError)):
            await client.audio.speech.create(model="tts-1", voice="nova", input="{{break}}")
