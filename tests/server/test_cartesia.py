"""The Cartesia routes on a fake engine: shapes, keys, and the path that is shared with Piper."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest

from tests.fakes.engine import PIECE
from tests.fakes.live import close_code, live

RAW = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 24_000}
BODY = {"model_id": "sonic-3", "transcript": "Hello.", "voice": {"mode": "id", "id": "eve"}, "output_format": RAW}
VENDOR = {"cartesia-version": "2026-03-01"}


async def test_bytes_are_the_encoded_stream() -> None:
    async with live() as server:
        answer = await server.http.post("/tts/bytes", json={**BODY, "save": True})
        opened: Any = server.engine.sessions[0].received[0]
    assert (answer.status_code, answer.content) == (200, PIECE)
    assert answer.headers["content-type"] == "audio/pcm" and answer.headers["x-syrinx-not-applied"] == "save"
    assert opened.request.voice == "eve" and opened.request.audio.sample_rate == 24_000


async def test_server_sent_events() -> None:
    async with live() as server:
        answer = await server.http.post("/tts/sse", json={**BODY, "context_id": "happy", "add_timestamps": True})
    blocks = [block.split("\n") for block in answer.text.split("\n\n")[:-1]]
    told = [(kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for kind, data in blocks]
    assert answer.headers["content-type"] == "text/event-stream"
    assert {kind for kind, _ in told} <= {"chunk", "timestamps", "done"} and told[-1][1]["done"] is True
    assert b"".join(base64.b64decode(data["data"]) for kind, data in told if kind == "chunk") == PIECE
    assert {data["context_id"] for _, data in told} == {"happy"}


@pytest.mark.parametrize("path", ["/tts/bytes", "/tts/sse"])
@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"transcript": " "}, 400, "empty_transcript"),
        ({"transcript": "{{silent}}"}, 400, "empty_transcript"),
        ({"transcript": "{{busy}}"}, 429, "concurrency_limited"),
        ({"transcript": "{{error}}"}, 502, "model_failed"),
        ({"output_format": None}, 400, "invalid_request"),
        ({"model_id": "nothing"}, 400, "model_not_found"),
        ({"voice": "nobody"}, 404, "voice_not_found"),
    ],
)
async def test_errors_have_the_vendors_shape(path: str, fields: dict[str, Any], status: int, code: str) -> None:
    async with live() as server:
        answer = await server.http.post(path, json={**BODY, **fields})
    error = answer.json()
    assert (answer.status_code, error["error_code"]) == (status, code)
    assert error["title"] and error["message"] and error["request_id"] == answer.headers["x-request-id"]
    assert ("retry-after" in answer.headers) is (status == 429)


async def test_a_body_that_is_no_json_is_told_in_the_vendors_shape() -> None:
    async with live() as server:
        answer = await server.http.post("/tts/bytes", content=b"{")
    assert (answer.status_code, answer.json()["error_code"]) == (400, "bad_json")


async def test_a_stream_that_breaks_is_broken_off_and_events_say_why() -> None:
    async with live() as server:
        with pytest.raises(httpx.RemoteProtocolError):
            await server.http.post("/tts/bytes", json={**BODY, "transcript": "{{break}}"})
        said = b""
        with pytest.raises(httpx.RemoteProtocolError):
            async with server.http.stream("POST", "/tts/sse", json={**BODY, "transcript": "{{break}}"}) as answer:
                async for piece in answer.aiter_raw():
                    said += piece
    error = json.loads(said.split(b"event: error\ndata: ")[1])
    assert (error["type"], error["done"], error["status_code"]) == ("error", True, 502) and error["request_id"]


@pytest.mark.parametrize("header", [VENDOR, {"x-api-key": "any"}])
async def test_voices_are_told_from_pipers_by_the_vendors_headers(header: dict[str, str]) -> None:
    async with live() as server:
        voices = (await server.http.get("/voices", headers=header)).json()
        piper = (await server.http.get("/voices")).json()
        voice = (await server.http.get("/voices/adam", headers=header)).json()
        nobody = await server.http.get("/voices/nobody", headers=header)
        wrong = await server.http.get("/voices?limit=0", headers=header)
    assert [entry["id"] for entry in voices["data"]] == ["eve", "adam"] and voices["has_more"] is False
    assert "data" not in piper and "eve" in piper, "Piper's list is an object by voice"
    assert (voice["name"], voice["gender"]) == ("Adam", "masculine")
    assert (nobody.status_code, nobody.json()["error_code"]) == (404, "voice_not_found")
    assert wrong.status_code == 400


@pytest.mark.parametrize("public", [True, False])
async def test_lists_need_the_key_only_where_told_so_and_speech_always(public: bool) -> None:
    right: list[dict[str, str]] = [{"x-api-key": "sesame"}, {"authorization": "Bearer sesame", **VENDOR}]
    wrong = {"x-api-key": "wrong"}
    async with live(api_key="sesame", public_lists=public) as server:
        for path in ("/voices", "/voices/eve"):
            assert (await server.http.get(path, headers=wrong)).status_code == (200 if public else 401), path
            assert [(await server.http.get(path, headers=key)).status_code for key in right] == [200, 200]
        for path in ("/tts/bytes", "/tts/sse"):
            refused = await server.http.post(path, json=BODY, headers=wrong)
            assert (refused.status_code, refused.json()["error_code"]) == (401, "invalid_api_key")
            assert [(await server.http.post(path, json=BODY, headers=key)).status_code for key in right] == [200, 200]
        async with server.socket("/tts/websocket", additional_headers=wrong) as socket:
            said = json.loads(await socket.recv())
            assert (said["type"], said["error_code"], said["status_code"]) == ("error", "invalid_api_key", 401)
            assert (await close_code(socket))[0] == 1008


@pytest.mark.parametrize("query", ["api_key=sesame", "access_token=sesame&cartesia_version=2026-08-14"])
async def test_the_socket_takes_the_key_of_a_browser_and_speaks(query: str) -> None:
    async with live(api_key="sesame") as server:
        async with server.socket("/tts/websocket?" + query) as socket:
            await socket.send(json.dumps({**BODY, "context_id": "a", "voice": "adam"}))
            said = [json.loads(await socket.recv())]
            while not said[-1]["done"]:
                said.append(json.loads(await socket.recv()))
        opened: Any = server.engine.sessions[0].received[0]
    assert (opened.request.voice, opened.request.model) == ("adam", None)
    assert {told["context_id"] for told in said} == {"a"} and base64.b64decode(said[0]["data"]) == PIECE
    assert [told["type"] for told in said] == ["chunk"] * (len(said) - 1) + ["done"]
