"""The OpenAI routes over real sockets, with a fake engine."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from syrinx.core.errors import ModelNotReady
from syrinx.core.types import Open
from syrinx.models.base import ModelInfo
from syrinx.voices.store import VoiceDraft
from tests.fakes.engine import INFO, PIECE, FakeEngine
from tests.fakes.live import Live, live, until
from tests.fakes.speech import recording, tone

SPEECH = "/v1/audio/speech"


async def speak(server: Live, text: str = "Hello.", **fields: Any) -> httpx.Response:
    return await server.http.post(SPEECH, json={"input": text, **fields})


def error_of(response: httpx.Response) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/json"
    error = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"} and error["message"]
    return error


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        (None, "audio/mpeg"),
        ("mp3", "audio/mpeg"),
        ("opus", "audio/ogg"),
        ("aac", "audio/aac"),
        ("flac", "audio/flac"),
        ("wav", "audio/wav"),
        ("pcm", "audio/pcm"),
    ],
)
async def test_audio_streams_with_the_type_of_its_format(name: str | None, media_type: str):
    async with live() as server:
        response = await speak(server, **({"response_format": name} if name else {}))
    assert response.status_code == 200 and response.content == PIECE
    assert response.headers["content-type"] == media_type
    assert response.headers["transfer-encoding"] == "chunked"
    assert response.headers["x-request-id"] and response.headers["x-syrinx-model"] == "fake"


async def test_the_content_type_of_the_request_does_not_matter():
    async with live() as server:
        response = await server.http.post(SPEECH, content=b'{"input":"Hi."}', headers={"content-type": "text/plain"})
    assert response.status_code == 200


async def test_sse_carries_the_same_bytes_and_ends_with_the_usage():
    async with live() as server:
        response = await speak(server, stream_format="sse")
    assert response.headers["content-type"] == "text/event-stream"
    events = [json.loads(line[6:]) for line in response.text.splitlines() if line]
    assert base64.b64decode(events[0]["audio"]) == PIECE
    assert events[-1]["type"] == "speech.audio.done" and events[-1]["usage"]["total_tokens"] > 0


async def test_instructions_that_no_model_follows_are_told_in_a_header():
    async with live() as server:
        assert (await speak(server, instructions="Whisper.")).headers["x-syrinx-not-applied"] == "instructions"
        assert "x-syrinx-not-applied" not in (await speak(server)).headers


async def test_instructions_reach_a_model_that_follows_them():
    schema = {"properties": {"instructions": {"type": "string"}}}
    info = ModelInfo("told", "Told", 24_000, INFO.voices, "eve", "MIT", options_schema=schema)
    async with live(FakeEngine(info)) as server:
        response = await speak(server, instructions="Whisper.")
        opened = server.engine.sessions[0].received[0]
    assert "x-syrinx-not-applied" not in response.headers
    assert opened.request.options == {"instructions": "Whisper."}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "bad_json"),
        (b"[" * 100_000, 400, "bad_json"),
        (b"{}", 400, "invalid_request"),
        (b'{"input":" "}', 400, "empty_text"),
        (b'{"input":"x","voice":"nobody"}', 400, "voice_not_found"),
        (b'{"input":"x","response_format":"midi"}', 400, "unsupported_format"),
        (b'{"input":"' + b"x" * 200_001 + b'"}', 400, "string_above_max_length"),
        (b'{"input":"{{error}}"}', 502, "model_failed"),
        (b'{"input":"{{busy}}"}', 429, "rate_limit_exceeded"),
    ],
)
async def test_errors_before_the_first_byte_have_their_status(body: bytes, status: int, code: str):
    async with live() as server:
        response = await server.http.post(SPEECH, content=body)
    assert response.status_code == status
    assert error_of(response)["code"] == code


async def test_busy_says_when_to_come_back():
    async with live() as server:
        assert (await speak(server, "{{busy}}")).headers["retry-after"] == "3"


async def test_a_model_that_loads_is_503_with_retry_after():
    async with live(FakeEngine(ready=False)) as server:
        response = await speak(server)
    assert response.status_code == 503 and response.headers["retry-after"] == "1"
    assert error_of(response)["code"] == "model_not_ready"


async def test_an_engine_that_cannot_start_still_answers_why():
    engine = FakeEngine(ready=False, start_error=ModelNotReady("No voice data."))
    async with live(engine) as server:
        assert (await server.http.get("/healthz")).status_code == 200
        assert (await server.http.get("/readyz")).status_code == 503


@pytest.mark.parametrize("stream_format", ["audio", "sse"])
async def test_a_stream_that_fails_midway_is_broken_off_and_never_looks_whole(stream_format: str):
    async with live() as server:
        with pytest.raises(httpx.RemoteProtocolError):
            await speak(server, "{{break}}", stream_format=stream_format)


async def test_hanging_up_cancels_the_speech():
    async with live() as server:
        async with server.http.stream("POST", SPEECH, json={"input": "{{hold}}"}) as response:
            pieces = response.aiter_bytes()
            assert await anext(pieces) == PIECE
            session = server.engine.sessions[0]
            assert not session.closed
        await until(lambda: session.closed)


async def test_hanging_up_before_the_first_audio_cancels_too():
    async with live() as server:
        _reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        body = b'{"input":"{{hold}}"}'
        writer.write(
            b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )
        await until(lambda: server.engine.sessions)
        writer.close()
        await writer.wait_closed()
        await until(lambda: server.engine.sessions[0].closed)


async def test_a_reader_that_stops_is_dropped_and_its_speech_stopped():
    async with live(http_send_timeout=0.2) as server:
        _reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1024)
        body = b'{"input":"{{endless}}","response_format":"pcm"}'
        writer.write(
            b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        )
        await until(lambda: server.engine.sessions and server.engine.sessions[0].closed)
        await until(lambda: not server.server.server_state.connections)
        writer.transport.abort()


async def test_lists_are_open_without_a_key_unless_told_otherwise():
    for public, status in ((True, 200), (False, 401)):
        async with live(api_key="sesame", public_lists=public) as server:
            for path in ("/v1/models", "/v1/models/fake", "/v1/audio/models", "/v1/audio/voices"):
                assert (await server.http.get(path)).status_code == status


async def test_cloned_voices_are_listed_to_who_has_the_key():
    engine = FakeEngine(replace(INFO, clones=True))
    await engine.voices.clone(recording(tone(), 24_000), VoiceDraft("Ann"))
    async with live(engine, api_key="sesame") as server:
        for path in ("/v1/audio/voices", "/api/voices"):
            for headers, there in (({}, False), ({"x-api-key": "sesame"}, True)):
                answer = await server.http.get(path, headers=headers)
                assert answer.status_code == 200
                assert ("Ann" in answer.text) is there, path


async def test_lists():
    async with live() as server:
        assert (await server.http.get("/v1/models")).json()["data"][0]["id"] == "fake"
        assert (await server.http.get("/v1/models/fake")).json()["object"] == "model"
        assert (await server.http.get("/v1/audio/models")).json() == {"models": [{"id": "fake"}]}
        voices = (await server.http.get("/v1/audio/voices", params={"model": "fake"})).json()["voices"]
        assert [voice["id"] for voice in voices] == ["eve", "adam"]
        for path in ("/v1/models/none", "/v1/audio/voices?model=none"):
            missing = await server.http.get(path)
            assert missing.status_code == 404 and error_of(missing)["code"] == "model_not_found"


@pytest.mark.parametrize("path", ["/v1", "/v1/"])
async def test_livekits_warm_up_is_answered(path: str):
    async with live() as server:
        assert (await server.http.get(path)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("POST", "/v1/nowhere", 404),
        ("GET", SPEECH, 405),
        ("DELETE", "/v1/models", 405),
        ("GET", "/%00%ff/..%2f..", 404),
        ("GET", "/web/../config.py", 404),
    ],
)
async def test_unknown_routes_and_methods_are_answered_in_the_envelope(method: str, path: str, status: int):
    async with live() as server:
        response = await server.http.request(method, path)
    assert response.status_code == status
    assert error_of(response)["code"] == "invalid_route"


async def test_head_is_answered_where_get_is():
    async with live() as server:
        for path in ("/", "/v1/models", "/healthz"):
            response = await server.http.head(path)
            assert response.status_code == 200 and response.content == b""


async def test_a_request_id_is_taken_over_if_it_is_plain():
    async with live() as server:
        assert (await server.http.get("/healthz", headers={"x-request-id": "abc-1"})).headers["x-request-id"] == "abc-1"
        other = (await server.http.get("/healthz", headers={"x-request-id": "a b"})).headers["x-request-id"]
        assert other.startswith("req_")


async def test_an_utterance_bears_the_id_of_its_request():
    async with live() as server:
        response = await speak(server)
        opened = server.engine.sessions[0].received[0]
    assert isinstance(opened, Open) and opened.utterance_id == response.headers["x-request-id"]


async def test_the_page_has_its_types_a_policy_and_is_revalidated():
    async with live() as server:
        page = await server.http.get("/")
        script = await server.http.get("/app.js")
        again = await server.http.get("/", headers={"if-none-match": page.headers["etag"]})
    assert page.headers["content-type"].startswith("text/html") and b"<html" in page.content.lower()
    assert script.headers["content-type"].startswith("text/javascript")
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-cache" and again.status_code == 304


async def test_a_draining_server_refuses_new_speech_with_503_and_finishes_what_runs():
    async with live() as server:
        async with server.http.stream("POST", SPEECH, json={"input": "{{hold}}"}) as response:
            pieces = response.aiter_bytes()
            await anext(pieces)
            server.server.should_exit = True
            await until(lambda: server.engine.draining)
            refused = await speak(server)
            assert refused.status_code == 503 and refused.headers["retry-after"] == "5"
            assert (await server.http.get("/readyz")).status_code == 503
            assert not server.engine.sessions[0].closed
            server.engine.sessions[0].close()
