"""Piper's routes over a real socket, with a fake engine."""

from __future__ import annotations

import pytest

from tests.fakes.engine import PIECE
from tests.fakes.live import live, until


@pytest.mark.parametrize("path", ["/", "/synthesize", ""])
async def test_json_and_plain_text_are_spoken(path: str):
    async with live() as server:
        for answer in (
            await server.http.post(path, json={"text": "Hello.", "voice": "adam"}),
            await server.http.post(f"{path}?voice=adam", content="Hello."),
        ):
            assert answer.status_code == 200 and answer.headers["content-type"] == "audio/wav"
            assert answer.content.endswith(PIECE)
        opened = [session.received[0].request for session in server.engine.sessions]  # type: ignore[union-attr]
    assert [request.voice for request in opened] == ["adam", "adam"]
    assert [request.audio.container for request in opened] == ["wav", "wav"]


async def test_the_page_stays_where_it_is():
    async with live() as server:
        page = await server.http.get("/")
        assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
        assert (await server.http.delete("/")).status_code == 405


async def test_what_was_not_honoured_is_told():
    async with live() as server:
        answer = await server.http.post(
            "/", json={"text": "Hello.", "voice": "en_US-lessac-medium", "noise_scale": 0.6}
        )
    assert answer.status_code == 200 and answer.headers["x-syrinx-not-applied"] == "voice, noise_scale"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"text": ""}, 400, "empty_text"),
        ({"text": "a", "voice": "nobody"}, 400, "voice_not_found"),
        ({"text": "{{busy}}"}, 429, "rate_limit_exceeded"),
        ({"text": "{{error}}"}, 502, "model_failed"),
    ],
)
async def test_errors_have_a_status_and_words(body: dict[str, str], status: int, code: str):
    async with live() as server:
        answer = await server.http.post("/", json=body)
    assert answer.status_code == status and answer.json()["error"]["code"] == code


async def test_a_key_is_needed_to_speak_but_not_to_ask_who_could():
    async with live(api_key="sesame") as server:
        assert (await server.http.post("/", content="Hello.")).status_code == 401
        assert (await server.http.post("/", content="Hello.", headers={"x-api-key": "sesame"})).status_code == 200
        listed = (await server.http.get("/voices")).json()
    assert list(listed) == ["eve", "adam"]
    async with live(api_key="sesame", public_lists=False) as server:
        assert (await server.http.get("/voices")).status_code == 401


async def test_a_client_that_hangs_up_stops_its_speech():
    async with live() as server:
        async with server.http.stream("POST", "/", content="{{endless}}") as response:
            await anext(response.aiter_bytes())
        await until(lambda: server.engine.sessions[0].closed)
