"""The ElevenLabs routes on a fake engine: shapes, keys, and the paths that are shared with other dialects."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from tests.fakes.engine import PIECE
from tests.fakes.live import close_code, live

SPEECH = "/v1/text-to-speech/eve"
VENDOR = {"xi-api-key": "any"}


@pytest.mark.parametrize("path", ["", "/stream"])
async def test_speech_is_the_encoded_stream(path: str) -> None:
    body = {"text": "Hello.", "voice_settings": {"stability": 0.5}}
    async with live() as server:
        answer = await server.http.post(SPEECH + path + "?output_format=pcm_24000", json=body)
        opened: Any = server.engine.sessions[0].received[0]
    assert (answer.status_code, answer.content) == (200, PIECE)
    assert answer.headers["content-type"] == "audio/pcm" and answer.headers["x-syrinx-not-applied"] == "stability"
    assert opened.request.voice == "eve" and opened.request.audio.sample_rate == 24_000


async def test_speech_with_timestamps_is_json_whole_or_in_lines() -> None:
    async with live() as server:
        whole = await server.http.post(SPEECH + "/with-timestamps", json={"text": "Hello."})
        lines = await server.http.post(SPEECH + "/stream/with-timestamps", json={"text": "Hello."})
    assert base64.b64decode(whole.json()["audio_base64"]) == PIECE
    assert "".join(whole.json()["alignment"]["characters"]) == "Hello."
    chunks = [json.loads(line) for line in lines.text.splitlines()]
    assert b"".join(base64.b64decode(chunk["audio_base64"]) for chunk in chunks) == PIECE
    assert whole.headers["content-type"] == lines.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("path", "body", "status", "name"),
    [
        (SPEECH, b"{", 400, "bad_json"),
        (SPEECH, b'{"text":" "}', 400, "empty_text"),
        (SPEECH, b'{"text":"{{silent}}"}', 400, "empty_text"),
        (SPEECH, b'{"text":"{{busy}}"}', 429, "too_many_concurrent_requests"),
        (SPEECH, b'{"text":"{{error}}"}', 502, "model_failed"),
        (SPEECH + "?output_format=flac", b'{"text":"Hi."}', 400, "invalid_output_format"),
        (SPEECH, b'{"text":"Hi.","model_id":"nothing"}', 400, "model_not_found"),
        ("/v1/text-to-speech/nobody/stream", b'{"text":"Hi."}', 404, "voice_not_found"),
        ("/v1/text-to-speech/nobody/with-timestamps", b'{"text":"Hi."}', 404, "voice_not_found"),
    ],
)
async def test_errors_have_the_vendors_shape(path: str, body: bytes, status: int, name: str) -> None:
    async with live() as server:
        answer = await server.http.post(path, content=body)
    assert (answer.status_code, answer.json()["detail"]["status"]) == (status, name)
    assert answer.json()["detail"]["message"]


async def test_a_stream_that_breaks_is_broken_off() -> None:
    async with live() as server:
        for path in ("/stream", "/with-timestamps", "/stream/with-timestamps"):
            with pytest.raises(httpx.RemoteProtocolError):
                await server.http.post(SPEECH + path, json={"text": "{{break}}"})


async def test_lists_are_told_from_those_of_others_by_the_vendors_header() -> None:
    async with live() as server:
        voices = (await server.http.get("/v1/voices", headers=VENDOR)).json()["voices"]
        others = (await server.http.get("/v1/voices")).json()["voices"]
        models = (await server.http.get("/v1/models", headers=VENDOR)).json()
        openai = (await server.http.get("/v1/models")).json()
        voice = (await server.http.get("/v1/voices/adam")).json()
        found = (await server.http.get("/v2/voices?search=ev")).json()
        nobody = await server.http.get("/v1/voices/nobody")
    assert [entry["voice_id"] for entry in voices] == ["eve", "adam"] and others[0]["voice_id"] == "0"
    assert [model["model_id"] for model in models] == ["fake"] and openai["data"][0]["id"] == "fake"
    assert voice["name"] == "Adam" and [entry["voice_id"] for entry in found["voices"]] == ["eve"]
    assert (nobody.status_code, nobody.json()["detail"]["status"]) == (404, "voice_not_found")


@pytest.mark.parametrize("public", [True, False])
async def test_lists_need_the_key_only_where_told_so_and_speech_and_account_always(public: bool) -> None:
    right, wrong = {"xi-api-key": "sesame"}, {"xi-api-key": "wrong"}
    async with live(api_key="sesame", public_lists=public) as server:
        for path in ("/v1/voices", "/v1/voices/eve", "/v2/voices", "/v1/models"):
            assert (await server.http.get(path, headers=wrong)).status_code == (200 if public else 401), path
            assert (await server.http.get(path, headers=right)).status_code == 200
        for path in ("/v1/user", "/v1/user/subscription"):
            assert (await server.http.get(path)).status_code == 401
            assert (await server.http.get(path, headers=right)).status_code == 200
        refused = await server.http.post(SPEECH, json={"text": "Hi."}, headers=wrong)
        assert (refused.status_code, refused.json()["detail"]["status"]) == (401, "invalid_api_key")
        for path in ("/v1/text-to-speech/eve/stream-input", "/v1/text-to-speech/eve/multi-stream-input"):
            async with server.socket(path, additional_headers=wrong) as socket:
                said = json.loads(await socket.recv())
                assert (said["error"], said["code"]) == ("invalid_api_key", 1008)
                assert (await close_code(socket))[0] == 1008


async def test_the_sockets_codec_is_made_of_path_and_query() -> None:
    async with live() as server:
        path = "/v1/text-to-speech/adam/multi-stream-input?output_format=ulaw_8000&model_id=eleven_flash_v2_5"
        async with server.socket(path) as socket:
            await socket.send('{"text":"Hello. ","context_id":"a","flush":true}')
            await socket.send('{"context_id":"a","close_context":true}')
            said = [json.loads(await socket.recv())]
            while not said[-1]["isFinal"]:
                said.append(json.loads(await socket.recv()))
        opened: Any = server.engine.sessions[0].received[0]
    assert (opened.request.voice, opened.request.model) == ("adam", None)
    assert (opened.request.audio.container, opened.request.audio.sample_rate) == ("mulaw", 8000)
    assert {entry["contextId"] for entry in said} == {"a"} and base64.b64decode(said[0]["audio"]) == PIECE
