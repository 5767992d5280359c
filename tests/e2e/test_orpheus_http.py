"""The Orpheus dialect's HTTP routes on a real server: streaming, errors, the list of voices, health."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.e2e.conftest import Start
from tests.e2e.hostile import BODIES, TEXTS, VALUES
from tests.e2e.probe import idle
from tests.e2e.talk import RATE, WAIT_S
from tests.fakes.server_process import ServerProcess

STREAM = "/v1/audio/speech/stream"
FIELDS = ("text", "input", "voice", "model", "language", "temperature", "top_p", "speed", "pitch", "volume")


@pytest.fixture(scope="module")
def server(start: Start) -> ServerProcess:
    seed = {"MAX_CONCURRENT_JOBS": "2", "MAX_QUEUED_REQUESTS": "0"}
    return start(seed, tone={"x_realtime": 5000, "chunk_ms": 400}, models=("tone", "espeak"))


@pytest.fixture
async def http(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    """Afterwards it must still speak, with every place free."""
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=WAIT_S) as client:
        yield client
        await idle(server)
        for _ in range(2):
            assert len((await client.post(STREAM, json={"text": "Still here."})).content) > 1000


async def test_4_03_raw_audio_streams_with_its_headers(http: httpx.AsyncClient) -> None:
    body = {"text": "Hello! Aaj ka weather kaisa hai?", "temperature": 0.4, "top_p": 0.9}
    async with http.stream("POST", STREAM, json=body) as answer:
        pieces = [piece async for piece in answer.aiter_raw()]
    told = answer.headers
    assert (answer.status_code, told["content-type"]) == (200, "audio/pcm")
    assert (told["x-audio-sample-rate"], told["x-audio-channels"], told["x-audio-format"]) == ("24000", "1", "int16")
    assert told["x-syrinx-not-applied"] == "temperature, top_p"
    assert "content-length" not in told
    assert len(b"".join(pieces)) / 2 / RATE == pytest.approx(32 * 0.065, abs=0.3)


async def test_4_03_the_first_byte_comes_before_the_end(server: ServerProcess, http: httpx.AsyncClient) -> None:
    async with http.stream("POST", STREAM, json={"text": "{{long 3000}}"}) as answer:
        pieces = answer.aiter_raw()
        assert await anext(pieces)
        with contextlib.suppress(httpx.StreamClosed):
            await answer.aclose()
    await idle(server)  # hanging up stopped a model that had 50 minutes to go


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"text": ""}, 400, "empty_text", "text"),
        ({"text": " \n\t"}, 400, "empty_text", "text"),
        ({"text": "🙂"}, 400, "empty_text", "text"),
        ({"input": "  "}, 400, "empty_text", "input"),
        ({}, 400, "invalid_request", "text"),
        ({"text": "Hi.", "temperature": 9}, 400, "invalid_request", "temperature"),
        ({"text": "Hi.", "top_p": -1}, 400, "invalid_request", "top_p"),
        ({"text": "Hi.", "voice": "nobody"}, 400, "voice_not_found", "voice"),
        ({"text": "Hi.", "model": "nothing"}, 404, "model_not_found", "model"),
        ({"text": "{{error}}"}, 502, "model_failed", None),
    ],
)
async def test_4_04_what_is_wrong_is_a_4xx(
    http: httpx.AsyncClient, body: dict[str, object], status: int, code: str, param: str | None
) -> None:
    answer = await http.post(STREAM, json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (status, code, param) and error["message"]


async def test_a_stream_that_breaks_does_not_look_whole(http: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await http.post(STREAM, json={"text": "{{long 2}} {{error}}"})


@pytest.mark.parametrize("name", VALUES)
async def test_every_field_with_anything_in_it(http: httpx.AsyncClient, name: str) -> None:
    for field in FIELDS:
        rest = "" if field in ("text", "input") else ',"text":"Hi."'
        body = '{"' + field + '":' + VALUES[name] + rest + "}"
        answer = await http.post(STREAM, content=body)
        assert answer.status_code == 200 or 400 <= answer.status_code < 500, (field, answer.text[:300])
        if answer.status_code != 200:
            assert answer.json()["error"]["message"] and len(answer.content) < 2000


@pytest.mark.parametrize("name", [*TEXTS, *BODIES])
async def test_texts_and_bodies_that_no_client_should_send(http: httpx.AsyncClient, name: str) -> None:
    content = BODIES[name] if name in BODIES else ('{"text":' + TEXTS[name] + "}").encode()
    answer = await http.post(STREAM, content=content)
    assert answer.status_code == 200 or 400 <= answer.status_code < 500, answer.text[:300]


async def test_4_05_health_is_truthful(http: httpx.AsyncClient) -> None:
    answer = await http.get("/health")
    body = answer.json()
    assert (answer.status_code, body["status"], body["backend"], body["model_loaded"]) == (200, "healthy", "tone", True)


async def test_4_08_every_listed_voice_can_be_asked_for(http: httpx.AsyncClient) -> None:
    body = (await http.get("/api/voices")).json()
    assert body["count"] == len(body["voices"]) > 4 and body["default"] == "sine"
    for entry in body["voices"]:
        assert set(entry) == {"name", "description", "language", "gender", "accent", "preview_url"}
    for entry in (*body["voices"][:4], next(v for v in body["voices"] if v["language"] == "hi")):
        assert (await http.post(STREAM, json={"text": "Hi.", "voice": entry["name"]})).status_code == 200
