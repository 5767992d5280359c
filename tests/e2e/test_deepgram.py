"""Deepgram's route and socket over real ones: turns, barge-in, what is hostile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from websockets.frames import Frame, Opcode

from tests.e2e.conftest import Start
from tests.e2e.hostile import BODIES, PLAIN_TEXT, TEXTS, VALUES
from tests.e2e.probe import idle, metric, until
from tests.e2e.talk import RATE, WAIT_S
from tests.e2e.turns import Turns, kind_of, sound, turns
from tests.fakes.server_process import ServerProcess

TEXT = "The first words are heard, while the last ones are made."
LENGTH_S = len(TEXT) * 0.065
"""As tone speaks it."""
CAP = 4
PENDING = 128
"""Utterances that a connection may hold."""
PLACES: dict[str, str] = {
    "type": '{"type":VALUE,"text":"Hi. "}',
    "text": '{"type":"Speak","text":VALUE}',
    "extra": '{"type":"Flush","extra":VALUE}',
}
"""Every field of every message."""
TOKEN = {"authorization": "Token any"}
SPEAK = "/v1/speak?encoding=linear16&container=none"
"""Raw samples, which cost the least."""


@pytest.fixture(scope="module")
def server(start: Start) -> ServerProcess:
    """Few places, so that a leak shows."""
    seed = {"MAX_CONCURRENT_JOBS": str(CAP), "MAX_QUEUED_REQUESTS": "64"}
    tone = {"x_realtime": 5000, "chunk_ms": 400}
    return start(seed, tone=tone, max_lead_s=2, max_message_bytes=1_500_000)


@pytest.fixture
async def client(server: ServerProcess) -> AsyncIterator[Turns]:
    """A socket that must still work at the end, on a server that has lost no place."""
    async with turns(server) as link:
        yield link
        await link.tell("Clear")
        await link.hear_until("Cleared")
        async with asyncio.timeout(WAIT_S):  # the places of 128 cleared turns are free a moment behind ``Cleared``
            while not sound(heard := await link.say("Still here.")):
                assert isinstance(heard[0], dict) and heard[0]["code"] == "Too Many Requests", heard
    await idle(server)


def seconds(data: bytes) -> float:
    return len(data) / 2 / RATE


async def test_text_in_pieces_is_one_stream_until_its_flush(client: Turns) -> None:
    for piece in (TEXT[i : i + 3] for i in range(0, len(TEXT), 3)):
        await client.tell("Speak", piece)
    await client.tell("Flush")
    heard = await client.hear_until("Flushed")
    assert seconds(sound(heard)) == pytest.approx(LENGTH_S, abs=0.4)
    assert heard[-1] == {"type": "Flushed", "sequence_id": 0}


async def test_without_a_flush_text_is_spoken_as_it_becomes_speakable(client: Turns) -> None:
    await client.tell("Speak", "Hello there, my friend. How are")
    assert sound(await client.hear_until("audio"))


async def test_turns_are_heard_in_their_order(client: Turns) -> None:
    for text in (TEXT, "Short."):
        await client.tell("Speak", text)
        await client.tell("Flush")
    first, second = await client.hear_until("Flushed"), await client.hear_until("Flushed")
    assert seconds(sound(first)) == pytest.approx(LENGTH_S, abs=0.4) and len(sound(second)) < len(sound(first))


@pytest.mark.parametrize("flushed", [False, True], ids=["in the middle of the text", "when all was sent"])
async def test_barge_in_leaves_no_stale_audio_and_stops_the_model(
    client: Turns, server: ServerProcess, flushed: bool
) -> None:
    alone = len(sound(await client.say("Still here.")))
    await client.tell("Speak", "{{long 3000}} and more. And so on. ")
    if flushed:
        await client.tell("Flush")
    await client.hear_until("audio")
    await client.tell("Clear")
    await client.hear_until("Cleared")
    again = await client.say("Still here.")
    assert [kind_of(said) for said in again].count("Flushed") == 1
    assert len(sound(again)) == pytest.approx(alone, abs=0.03 * 2 * RATE), "nothing of the old"
    await idle(server)


async def test_a_close_speaks_what_came_and_closes(server: ServerProcess) -> None:
    async with turns(server) as client:
        await client.tell("Speak", TEXT)
        await client.tell("Close")
        await client.tell("Close")
        await client.tell("Speak", "Too late.")
        heard = []
        async with asyncio.timeout(WAIT_S):
            async for message in client.link:
                heard.append(message)
        assert (await client.closed())[0] == 1000
    data = b"".join(message for message in heard if isinstance(message, bytes))
    assert seconds(data) == pytest.approx(LENGTH_S, abs=0.4)
    told = [json.loads(message) for message in heard if isinstance(message, str)]
    assert [said["type"] for said in told] == ["Error"], "the text behind the end is told"


async def test_a_hang_up_stops_the_model(server: ServerProcess) -> None:
    async with turns(server) as client:
        await client.tell("Speak", "{{long 3000}} and more. ")
        await client.tell("Flush")
        await client.hear_until("audio")
        client.link.transport.abort()
    await idle(server)
    await until(lambda: metric(server, "syrinx_websockets") == 0, "the end of the socket")


async def test_what_the_model_breaks_is_told_and_flushed(client: Turns) -> None:
    heard = await client.say("{{long 1}} {{error}}")
    assert [kind_of(said) for said in heard if not isinstance(said, bytes)] == ["Error", "Flushed"]


# --- hostile ---------------------------------------------------------------------------------------------------------


async def test_unknown_double_and_late(client: Turns) -> None:
    for kind in ("Flush", "Flush", "Clear", "Clear", "Flush"):
        await client.tell(kind)
    kinds = [kind_of(await client.hear()) for _ in range(5)]
    assert kinds == ["Flushed", "Flushed", "Cleared", "Cleared", "Flushed"]
    await client.tell("Sing", "Hello.")
    assert kind_of(await client.hear()) == "Error"


@pytest.mark.parametrize("name", VALUES)
async def test_every_field_of_every_message(client: Turns, name: str) -> None:
    for message in PLACES.values():
        await client.link.send(message.replace("VALUE", VALUES[name]))
    await client.tell("Clear", extra="the last")
    for said in await client.hear_until("Cleared"):
        if not isinstance(said, bytes):
            assert said["type"] in ("Error", "Warning", "Flushed", "Cleared") and len(str(said)) < 3000, said


@pytest.mark.parametrize("name", TEXTS)
async def test_text(client: Turns, name: str) -> None:
    await client.link.send('{"type":"Speak","text":' + TEXTS[name] + "}")
    await client.tell("Flush")
    said = await client.hear()  # something is said of all: some would be spoken for minutes, and a clear ends them
    assert kind_of(said) in ("audio", "Warning", "Error", "Flushed")


@pytest.mark.parametrize("name", BODIES)
async def test_whole_messages_that_are_none(client: Turns, name: str) -> None:
    await client.link.send(BODIES[name])
    said = await client.hear()
    assert not isinstance(said, bytes) and said["err_code"] in ("DATA-0000", "MESSAGE-0000")


async def test_a_flood_of_turns_is_bounded(client: Turns) -> None:
    await client.tell("Speak", "{{long 3000}} ")
    await client.tell("Flush")
    for _ in range(PENDING + 50 - 1):
        await client.tell("Speak", "Hello. ")
        await client.tell("Flush")
    warned = 0
    while warned < 50:
        said = await client.hear()
        assert isinstance(said, bytes) or (said["type"] == "Warning" and said["code"] == "Too Many Requests"), said
        warned += not isinstance(said, bytes)


async def test_a_flood_of_speaks_is_one_turn(client: Turns) -> None:
    for _ in range(2000):
        await client.tell("Speak", "a")
    await client.tell("Flush")
    await client.hear_until("audio")
    await client.tell("Clear")
    assert [kind_of(said) for said in await client.hear_until("Cleared") if not isinstance(said, bytes)] == ["Cleared"]


async def test_a_huge_message_and_half_a_character_close_with_the_standards_code(server: ServerProcess) -> None:
    announced = b"\x81\xff" + (2_000_000).to_bytes(8, "big") + bytes(4)
    half = Frame(Opcode.TEXT, b'{"type":"Speak","text":"\xf0\x9f').serialize(mask=True)
    for frame, code in ((announced, 1009), (half, 1007)):
        async with turns(server) as client:
            client.link.transport.write(frame)
            assert (await client.closed())[0] == code
    await idle(server)


async def test_an_address_that_cannot_be_spoken_to_is_told_and_closed(server: ServerProcess) -> None:
    for query in ({"model": "nobody"}, {"encoding": "mp3"}, {"sample_rate": "x"}, {"speed": "-1"}, {"frame_ms": "1"}):
        async with turns(server, greeted=False, **query) as client:
            said = await client.hear()
            name = "Bad Request" if "model" in query else "INVALID_QUERY_PARAMETER"
            assert not isinstance(said, bytes) and said["err_code"] == name
            code, reason = await client.closed()
            assert code == 1008 and reason


async def test_a_wrong_key_closes_with_the_reason_and_over_http_it_is_401(start: Start) -> None:
    locked = start({"API_KEY": "sesame"})
    async with turns(locked, greeted=False) as client:
        code, reason = await client.closed()
        assert code == 1008 and reason
    async with turns(locked, api_key="sesame") as client:
        assert sound(await client.say())
    async with httpx.AsyncClient(base_url=locked.url, trust_env=False, timeout=WAIT_S) as http:
        for key, status in (("wrong", 401), ("sesame", 200)):
            headers = {"authorization": f"Token {key}"}
            answer = await http.post("/v1/speak", json={"text": "Hello."}, headers=headers)
            assert answer.status_code == status
            if status == 401:
                assert answer.json()["err_code"] == "INVALID_AUTH"


@pytest.fixture
async def http(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    """One connection, so that an answer that breaks it is noticed."""
    limits = httpx.Limits(max_connections=1)
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=WAIT_S, limits=limits) as client:
        yield client
        answer = await client.post(SPEAK, json={"text": "Still here."}, headers=TOKEN)
        assert answer.status_code == 200 and len(answer.content) > 1000
    await idle(server)


def assert_in_its_own_words(answer: httpx.Response) -> None:
    if answer.status_code != 200:
        told = answer.json()
        assert 400 <= answer.status_code < 500 and told["err_code"] and told["err_msg"] and told["request_id"]
        assert len(answer.text) < 3000, "an error is no echo"


@pytest.mark.parametrize("name", BODIES)
async def test_hostile_bodies(http: httpx.AsyncClient, name: str) -> None:
    answer = await http.post(SPEAK, content=BODIES[name], headers=TOKEN)
    assert answer.status_code == 400
    assert_in_its_own_words(answer)
    if name not in PLAIN_TEXT:
        plain = await http.post(SPEAK, content=BODIES[name][:400], headers={**TOKEN, "content-type": "text/plain"})
        assert_in_its_own_words(plain)


@pytest.mark.parametrize("name", [name for name in TEXTS if "megabyte" not in name])
async def test_hostile_text(http: httpx.AsyncClient, name: str) -> None:
    body = ('{"text":' + TEXTS[name] + "}").encode()
    assert_in_its_own_words(await http.post(SPEAK, content=body, headers=TOKEN))


@pytest.mark.parametrize("name", VALUES)
async def test_hostile_values(http: httpx.AsyncClient, name: str) -> None:
    if name != "long string":  # it is a text like any other, and takes its time
        body = ('{"text":' + VALUES[name] + "}").encode()
        assert_in_its_own_words(await http.post(SPEAK, content=body, headers=TOKEN))
    for field in ("model", "encoding", "container", "sample_rate", "bit_rate", "speed", "frame_ms", "callback"):
        params = {field: VALUES[name][:3000]}
        assert_in_its_own_words(await http.post("/v1/speak", params=params, json={"text": "Hi."}, headers=TOKEN))
