"""Hostile messages on the Orpheus and Chatterbox sockets: each is answered in their words, and the socket lives."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.conftest import Start
from tests.e2e.hostile import BODIES, TEXTS, VALUES
from tests.e2e.mixed import Heard, Mixed, frames, mixed, words
from tests.e2e.probe import idle
from tests.e2e.talk import PATH as SHARED
from tests.fakes.server_process import ServerProcess

CAP = 2


@dataclass(frozen=True)
class Dialect:
    """How to speak one of them."""

    path: str
    request: dict[str, Any]
    name_field: str
    """What tells requests apart."""
    ends: tuple[str, ...]
    cancel: dict[str, Any]
    places: dict[str, str]
    """Every field of every message."""

    async def say(self, client: Mixed, name: str, text: str = "Hi.") -> Heard:
        """Ask for speech of our own, and hear all that is said up to its end."""
        await client.send(**{**self.request, "text": text, self.name_field: name})
        return await client.until(lambda said: said.get(self.name_field) == name and said.get("type") in self.ends)

    async def answers(self, client: Mixed) -> list[dict[str, Any]]:
        """Stop everything, and return what was said until then; all of it must be of the dialect."""
        await client.send(**self.cancel)
        said = words(await self.say(client, "the last"))
        for word in said:
            assert word["type"] in (*self.ends, "start", "voice_list", "voice_registered"), word
            if word["type"] == "error":
                assert word["message"] and word["code"] and len(str(word)) < 3000, "an error is no echo"
        return [word for word in said if word.get(self.name_field) != "the last"]


ORPHEUS = Dialect(
    SHARED,
    {},
    "segment_id",
    ("end", "error"),
    {"cancel": True},
    {
        **{
            field: '{"text":"Hi.","' + field + '":VALUE}'
            for field in ("voice", "model", "language", "segment_id", "temperature", "top_p", "speed", "pitch")
        },
        **{field: '{"text":"Hi.","' + field + '":VALUE}' for field in ("volume", "continue", "type", "extra")},
        "text": '{"text":VALUE}',
        "cancel": '{"cancel":VALUE}',
        "cancel a segment": '{"cancel":true,"segment_id":VALUE}',
    },
)
CHATTERBOX = Dialect(
    "/v1/stream/tts",
    {"type": "synthesize"},
    "request_id",
    ("synthesis_complete", "error"),
    {"type": "cancel"},
    {
        **{
            field: '{"type":"synthesize","text":"Hi.","' + field + '":VALUE}'
            for field in ("voice_id", "model", "language", "request_id", "exaggeration", "cfg_weight", "chunk_size")
        },
        **{
            field: '{"type":"synthesize","text":"Hi.","' + field + '":VALUE}'
            for field in ("streaming", "speed", "pitch", "volume", "extra")
        },
        "type": '{"type":VALUE}',
        "text": '{"type":"synthesize","text":VALUE}',
        "whole text": '{"type":"synthesize","streaming":false,"text":VALUE}',
        "cancel": '{"type":"cancel","request_id":VALUE}',
        "register voice_id": '{"type":"register_voice","voice_id":VALUE,"reference_audio":"AAAA"}',
        "register audio": '{"type":"register_voice","voice_id":"v","reference_audio":VALUE}',
        "register description": '{"type":"register_voice","voice_id":"v","reference_audio":"AA==","description":VALUE}',
        "register consent": '{"type":"register_voice","voice_id":"v","reference_audio":"AA==","consent":VALUE}',
        "list": '{"type":"list_voices","request_id":VALUE}',
    },
)
DIALECTS = pytest.mark.parametrize("dialect", [ORPHEUS, CHATTERBOX], ids=["orpheus", "chatterbox"])


@pytest.fixture(scope="module")
def server(start: Start) -> ServerProcess:
    seed = {"MAX_CONCURRENT_JOBS": str(CAP), "MAX_QUEUED_REQUESTS": "0"}
    return start(seed, tone={"x_realtime": 5000, "chunk_ms": 400}, max_lead_s=0)


@pytest.fixture
async def client(server: ServerProcess, dialect: Dialect) -> AsyncIterator[Mixed]:
    """A socket that must still work at the end, on a server that has lost no place."""
    async with mixed(server, dialect.path) as socket:
        await dialect.say(socket, "begin")
        yield socket
        assert frames(await dialect.say(socket, "still here"))
    await idle(server)
    async with mixed(server, dialect.path) as one, mixed(server, dialect.path) as two:
        assert all(map(frames, await asyncio.gather(dialect.say(one, "a"), dialect.say(two, "b"))))


@DIALECTS
@pytest.mark.parametrize("name", VALUES)
async def test_every_field_of_every_message(client: Mixed, dialect: Dialect, name: str) -> None:
    for place, message in dialect.places.items():
        await client.link.send(message.replace("VALUE", VALUES[name]))
        said = await dialect.answers(client)
        if name in ("deep", "surrogate string", "NaN", "Infinity"):
            assert [word["code"] for word in said] == ["bad_json"], place


@DIALECTS
@pytest.mark.parametrize("name", TEXTS)
async def test_text(client: Mixed, dialect: Dialect, name: str) -> None:
    for place in ("text", "whole text"):
        if place in dialect.places:
            await client.link.send(dialect.places[place].replace("VALUE", TEXTS[name]))
            assert await dialect.answers(client), "nothing passes in silence"


@DIALECTS
@pytest.mark.parametrize("name", BODIES)
async def test_whole_messages_that_are_none(client: Mixed, dialect: Dialect, name: str) -> None:
    await client.link.send(BODIES[name])
    assert (await dialect.answers(client))[0]["code"] == "unexpected_binary"
    try:
        text = BODIES[name].decode()
    except UnicodeDecodeError:
        return
    await client.link.send(text.replace('"input"', '"text"'))  # the form with "input" closes at errors
    assert [word["type"] for word in await dialect.answers(client)] == ["error"]


@DIALECTS
async def test_more_requests_than_a_connection_may_hold(client: Mixed, dialect: Dialect) -> None:
    for index in range(200):
        await client.send(**{**dialect.request, "text": "{{long 3000}}", dialect.name_field: str(index)})
    await client.send(**dialect.cancel)
    said: list[dict[str, Any]] = []
    while len(said) < 200:
        said += words(await client.until_type(*dialect.ends))[-1:]
    refused = [word for word in said if word["type"] == "error"]
    assert [word["code"] for word in refused] == ["overloaded"] * (200 - 128)
    assert sum(word.get("canceled", False) for word in said) == 128


@DIALECTS
async def test_a_flood_of_small_messages(client: Mixed, dialect: Dialect) -> None:
    async def hear() -> list[Heard]:
        return [await client.until_type("error") for _ in range(5000)]

    reading = asyncio.create_task(hear())
    for _ in range(5000):
        await client.link.send("{")
    assert all(len(heard) == 1 for heard in await reading)


@DIALECTS
async def test_a_flood_of_errors_behind_endless_speech_is_bounded(client: Mixed, dialect: Dialect) -> None:
    await client.send(**{**dialect.request, "text": "{{long 3000}}", dialect.name_field: "endless"})
    for _ in range(1000):
        await client.link.send("{")
    said: list[dict[str, Any]] = []
    while len(said) < 700:
        said += words(await client.until_type("error"))[-1:]
    await dialect.answers(client)
