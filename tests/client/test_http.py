"""The HTTP client against a transport that answers from a function."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import httpx
import pytest

from syrinx.client import SpeechClient
from syrinx.client.http import speech_body
from syrinx.core.errors import InvalidRequest, ModelNotReady, Overloaded, SyrinxError, Unauthorized
from syrinx.core.types import AudioFormat, Delivery, ServiceClass, SpeechRequest

Answer = Callable[[httpx.Request], httpx.Response]


def client_of(answer: Answer, api_key: str = "") -> SpeechClient:
    return SpeechClient("http://speech.test", api_key, transport=httpx.MockTransport(answer))


def test_speech_is_given_as_it_arrives() -> None:
    given: list[str] = []

    class Slow(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            for piece in (b"one", b"two"):
                given.append(piece.decode())
                yield piece

    with client_of(lambda request: httpx.Response(200, stream=Slow())) as client:
        pieces = client.speech("Hello.")
        assert next(pieces) == b"one"
        assert given == ["one"]
        assert list(pieces) == [b"two"]


def test_a_call_carries_what_was_asked_and_leaves_the_rest_to_the_server() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    asked = SpeechRequest(voice="en", delivery=Delivery(speed=1.5), audio=AudioFormat("mp3"))
    with client_of(answer, api_key="secret") as client:
        list(client.speech("Hello."))
        list(client.speech("Hello.", asked))
    assert [json.loads(request.content) for request in seen] == [
        {"input": "Hello.", "response_format": "pcm"},
        {"input": "Hello.", "response_format": "mp3", "voice": "en", "speed": 1.5},
    ]
    assert seen[0].headers["authorization"] == "Bearer secret"
    assert seen[0].url.path == "/v1/audio/speech"


def test_everything_a_request_says_is_sent() -> None:
    request = SpeechRequest(
        language="de", delivery=Delivery(1.0, 1.2, 0.5), service_class=ServiceClass.BULK, seed=1, model="espeak"
    )
    assert speech_body("Hallo.", request) == {
        "input": "Hallo.",
        "model": "espeak",
        "language": "de",
        "response_format": "pcm",
        "pitch": 1.2,
        "volume": 0.5,
        "service_class": "bulk",
        "seed": 1,
    }


@pytest.mark.parametrize("request_", [SpeechRequest(options={"x": 1}), SpeechRequest(audio=AudioFormat(bitrate=64000))])
def test_what_the_dialect_cannot_say_is_refused_not_dropped(request_: SpeechRequest) -> None:
    with (
        client_of(lambda request: httpx.Response(200)) as client,
        pytest.raises(InvalidRequest, match="no model options"),
    ):
        list(client.speech("Hello.", request_))


def test_a_busy_server_raises_overloaded_with_its_wait() -> None:
    busy = {"error": {"message": "Busy.", "type": "requests", "code": "rate_limit_exceeded", "param": None}}
    answer = httpx.Response(429, json=busy, headers={"Retry-After": "3"})
    with client_of(lambda request: answer) as client, pytest.raises(Overloaded, match="Busy") as raised:
        next(client.speech("Hello."))
    assert raised.value.retry_after_s == 3.0


@pytest.mark.parametrize("failure", [httpx.ConnectError("refused"), httpx.ReadTimeout("silence")])
def test_no_server_is_told_by_its_address(failure: Exception) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise failure

    with client_of(answer) as client:
        for call in (client.voices, client.models, client.health, lambda: next(client.speech("Hello."))):
            with pytest.raises(ModelNotReady, match=r"http://speech\.test"):
                call()


def test_lists_are_unwrapped() -> None:
    bodies = {
        "/v1/audio/voices": {"voices": [{"id": "en"}]},
        "/v1/models": {"object": "list", "data": [{"id": "espeak"}]},
    }
    with client_of(lambda request: httpx.Response(200, json=bodies[request.url.path])) as client:
        assert client.voices() == [{"id": "en"}]
        assert client.models() == [{"id": "espeak"}]


@pytest.mark.parametrize(("status", "kind"), [(409, ModelNotReady), (403, Unauthorized), (404, ModelNotReady)])
def test_a_model_that_is_not_made_the_one_is_told(status: int, kind: type[SyrinxError]) -> None:
    """In the sidecar's words, which this call is of; a server without them answers 404 without any."""
    said = {409: ("MODEL_NOT_READY", "Install it."), 403: ("FORBIDDEN", "Nobody may.")}
    envelope = {"error": dict(zip(("code", "message"), said[status], strict=True))} if status in said else {}
    with client_of(lambda _: httpx.Response(status, json=envelope)) as server, pytest.raises(SyrinxError) as caught:
        server.activate("pocket", 1.0)
    assert type(caught.value) is kind
    assert status not in said or str(caught.value) == said[status][1]


@pytest.mark.parametrize(
    ("status", "content", "ready"), [(200, b'{"ok":true}', True), (503, b"", False), (503, b"<html>", False)]
)
def test_health_is_what_readyz_says(status: int, content: bytes, ready: bool) -> None:
    with client_of(lambda request: httpx.Response(status, content=content)) as client:
        assert client.health().ready is ready
