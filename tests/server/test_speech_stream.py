"""One utterance over HTTP in a form of a dialect's own: its headers, its body, its errors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from syrinx.core.errors import SyrinxError
from syrinx.core.types import EncodedAudio, Finished, SpeechRequest
from syrinx.engine.policy import SessionOptions
from syrinx.protocols.one_shot import OneShot
from syrinx.server.speech_stream import AnswerForm, SpeechStream
from tests.fakes.engine import PIECE, FakeEngine


def headers(audio: EncodedAudio) -> Mapping[str, str]:
    return {"content-type": "audio/odd", "x-rate": str(audio.sample_rate)}


def refuse(error: SyrinxError) -> Response:
    return PlainTextResponse(f"no: {error.code} {error.param}", 418)


def end(call: OneShot, finished: Finished) -> bytes:
    return f"<{call.text} {finished.samples}>".encode()


ODD = AnswerForm(
    headers,
    lambda audio: b"[" + audio.data + b"]",
    end=end,
    broken=lambda error: b"!" + error.code.encode(),
    refuse=refuse,
)


@asynccontextmanager
async def answering(form: AnswerForm) -> AsyncIterator[httpx.AsyncClient]:
    engine = FakeEngine()

    async def speak(request: Request) -> SpeechStream:
        call = OneShot(request.query_params["text"], SpeechRequest(), ("tempo",), "words")
        return SpeechStream(call, engine.session(SessionOptions("odd")), 5.0, form)

    transport = httpx.ASGITransport(Starlette(routes=[Route("/", speak)]))
    async with httpx.AsyncClient(transport=transport, base_url="http://odd") as client:
        yield client


async def test_a_form_gives_headers_pieces_and_an_end() -> None:
    async with answering(ODD) as http:
        answer = await http.get("/", params={"text": "Hello."})
    assert (answer.headers["content-type"], answer.headers["x-rate"]) == ("audio/odd", "24000")
    assert (answer.headers["x-syrinx-model"], answer.headers["x-syrinx-not-applied"]) == ("fake", "tempo")
    assert answer.content == b"[" + PIECE + b"]<Hello. 960>"


@pytest.mark.parametrize(
    ("text", "said"), [("{{error}}", "no: model_failed None"), ("{{busy}}", "no: overloaded None")]
)
async def test_a_form_refuses_in_its_own_words(text: str, said: str) -> None:
    async with answering(ODD) as http:
        answer = await http.get("/", params={"text": text})
    assert (answer.status_code, answer.text) == (418, said)


async def test_without_audio_the_text_is_blamed_by_its_own_name() -> None:
    async with answering(AnswerForm(refuse=refuse)) as http:
        answer = await http.get("/", params={"text": "{{silent}}"})
    assert (answer.status_code, answer.text) == (418, "no: empty_text words")


async def test_the_plain_form_is_the_stream_itself() -> None:
    async with answering(AnswerForm()) as http:
        answer = await http.get("/", params={"text": "Hello."})
        refused = await http.get("/", params={"text": "{{error}}"})
    assert answer.content == PIECE and answer.headers["content-type"] == "audio/pcm"
    assert refused.status_code == 502 and refused.json()["error"]["code"] == "model_failed"
