"""The socket client against a small server of the same dialect."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from syrinx.client import (
    Audio,
    Canceled,
    Completed,
    Created,
    RealtimeSpeech,
    SessionSetup,
    SessionUpdated,
)
from syrinx.core.errors import ModelNotReady, Overloaded, Unauthorized
from tests.fakes.server_process import free_port

Handler = Callable[[ServerConnection], Coroutine[Any, Any, None]]


@asynccontextmanager
async def server_of(handler: Handler) -> AsyncIterator[str]:
    async with serve(handler, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"http://127.0.0.1:{port}"


async def test_messages_are_those_of_the_dialect() -> None:
    heard: list[dict[str, Any]] = []

    async def listen(socket: ServerConnection) -> None:
        async for message in socket:
            heard.append(json.loads(message))
            if heard[-1]["type"] == "session.end":
                return

    async with server_of(listen) as url, RealtimeSpeech(url) as speech:
        await speech.update(SessionSetup(voice="male", audio_format="pcm", sample_rate=16_000))
        await speech.update(SessionSetup(voice="female", marks=True))
        named = await speech.create("Hello.", response="r1", speed=1.5)
        made_up = await speech.create("Again.")
        await speech.append("To")
        await speech.commit()
        await speech.cancel("r1")
        await speech.cancel("r1", played_s=0.5)
        await speech.barge()
        await speech.barge("r1", played_s=0.5)
        await speech.end()
        assert [event async for event in speech] == []
    assert (named, len(made_up)) == ("r1", len("resp_") + 16)
    assert heard == [
        {"type": "session.update", "session": {"voice": "male", "audio": {"format": "pcm", "sample_rate": 16_000}}},
        {"type": "session.update", "session": {"voice": "female", "marks": True}},
        {"type": "response.create", "response_id": "r1", "input": "Hello.", "speed": 1.5},
        {"type": "response.create", "response_id": made_up, "input": "Again."},
        {"type": "input.append", "text": "To"},
        {"type": "input.commit"},
        {"type": "response.cancel", "response": "r1"},
        {"type": "response.cancel", "response": "r1", "played_s": 0.5},
        {"type": "barge", "heard": True},
        {"type": "barge", "heard": True, "response": "r1", "played_s": 0.5},
        {"type": "session.end"},
    ]


async def test_events_are_typed_and_end_with_the_connection() -> None:
    async def speak(socket: ServerConnection) -> None:
        session = {"voice": "female", "audio": {"format": "pcm", "sample_rate": 24_000}}
        for message in (
            {"type": "session.updated", "session": session},
            {"type": "response.created", "response": "r1"},
            {"type": "response.output_audio.delta", "response": "r1", "delta": base64.b64encode(b"\1\2").decode()},
            {"type": "response.completed", "response": "r1", "duration_s": 0.25, "total_samples": 6000},
            {"type": "response.canceled", "response": "r2"},
        ):
            await socket.send(json.dumps(message))

    async with server_of(speak) as url, RealtimeSpeech(url) as speech:
        assert [event async for event in speech] == [
            SessionUpdated("female", "pcm", 24_000),
            Created("r1"),
            Audio("r1", b"\1\2"),
            Completed("r1", 0.25, 6000),
            Canceled("r2"),
        ]


async def test_the_key_travels_in_the_header_not_in_the_address() -> None:
    seen: list[tuple[str, str | None]] = []

    async def look(socket: ServerConnection) -> None:
        assert socket.request is not None
        seen.append((socket.request.path, socket.request.headers.get("Authorization")))

    async with server_of(look) as url, RealtimeSpeech(url, "secret") as speech:
        assert [event async for event in speech] == []
    assert seen == [("/v1/audio/speech/stream/ws", "Bearer secret")]


@pytest.mark.parametrize(("code", "kind"), [(1008, Unauthorized), (1013, Overloaded), (1011, ModelNotReady)])
async def test_a_close_code_raises_what_it_means_with_its_reason(code: int, kind: type[Exception]) -> None:
    async def refuse(socket: ServerConnection) -> None:
        await socket.close(code, "the reason")

    async with server_of(refuse) as url, RealtimeSpeech(url) as speech:
        with pytest.raises(kind, match="the reason"):
            await anext(speech)
        with pytest.raises(kind, match="the reason"):
            await speech.append("x")


async def test_no_server_is_told_by_its_address() -> None:
    port = free_port()
    with pytest.raises(ModelNotReady, match=f"127.0.0.1:{port}"):
        await RealtimeSpeech(f"http://127.0.0.1:{port}").connect()


async def test_another_route_is_told_by_its_status() -> None:
    async def never(socket: ServerConnection) -> None:
        raise AssertionError("no connection is taken")

    def not_found(connection: ServerConnection, request: Any) -> Any:
        return connection.respond(404, "no such route")

    async with serve(never, "127.0.0.1", 0, process_request=not_found) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        with pytest.raises(ModelNotReady, match="answered 404"):
            await RealtimeSpeech(f"http://127.0.0.1:{port}").connect()


async def test_sending_before_connecting_says_what_to_do() -> None:
    with pytest.raises(ModelNotReady, match="Not connected"):
        await RealtimeSpeech().append("x")


async def test_a_server_that_says_nothing_is_waited_for_as_long_as_was_said() -> None:
    async def listen(socket: ServerConnection) -> None:
        await socket.wait_closed()

    async with server_of(listen) as url, RealtimeSpeech(url, wait_s=0.05) as speech:
        with pytest.raises(ModelNotReady, match=r"nothing for 0\.05 s"):
            await anext(speech)
