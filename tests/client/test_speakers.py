"""Speakers of the dialects that have no client of their own, against small servers."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from websockets.asyncio.server import ServerConnection, serve

from syrinx.client.speakers import ChatterboxSpeaker, Sound, Target, pcm_of, pcm_of_floats
from syrinx.core.errors import InvalidRequest, ModelFailed, ModelNotReady, SyrinxError, VoiceNotFound


@asynccontextmanager
async def answering(*answers: str | bytes) -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """A socket that gives the same answers to every message, and what it heard."""
    heard: list[dict[str, Any]] = []

    async def talk(socket: ServerConnection) -> None:
        async for message in socket:
            heard.append(json.loads(message))
            for answer in answers:
                await socket.send(answer)

    async with serve(talk, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}", heard


async def spoken(url: str, **target: Any) -> list[int]:
    speaker = ChatterboxSpeaker(Target(url, **target))
    try:
        await speaker.open()
        return [
            int(n)
            for event in [e async for e in speaker.speak("Hi.")]
            if isinstance(event, Sound)
            for n in event.samples
        ]
    finally:
        await speaker.close()


async def test_floats_are_heard_up_to_the_last_message() -> None:
    floats = np.array([0.0, 0.5, -1.0, 2.0], "<f4").tobytes()
    async with answering(floats, '{"type":"synthesis_complete","chunk_id":1}') as (url, heard):
        assert await spoken(url, voice="kavya") == [0, 16384, -32767, 32767]
    wanted = {"type": "synthesize", "text": "Hi.", "streaming": True, "voice_id": "kavya", "cache": False}
    assert heard == [wanted]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ('{"type":"error","message":"Broken."}', ModelFailed),
        ('{"type":"error","message":"Who?","code":"voice_not_found"}', VoiceNotFound),
        ("{", InvalidRequest),
        ("[]", InvalidRequest),
        (b"\1\2\3", ModelFailed),
        (np.array([np.nan], "<f4").tobytes(), ModelFailed),
    ],
)
async def test_an_error_raises_what_it_means(answer: str | bytes, kind: type[SyrinxError]) -> None:
    async with answering(answer) as (url, _):
        with pytest.raises(kind):
            await spoken(url)


async def test_a_speed_that_the_dialect_cannot_say_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="no speed"):
        await spoken("http://127.0.0.1:9", speed=2.0)


async def test_a_server_that_leaves_is_told_of() -> None:
    async def leave(socket: ServerConnection) -> None:
        await socket.recv()

    async with serve(leave, "127.0.0.1", 0) as server:
        with pytest.raises(ModelNotReady, match="closed the connection"):
            await spoken(f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}")


def test_part_of_a_sample_is_no_sound() -> None:
    assert list(pcm_of(b"\1\0\xff\xff")) == [1, -1]
    with pytest.raises(ModelFailed):
        pcm_of(b"\1")
    assert list(pcm_of_floats(b"")) == []
