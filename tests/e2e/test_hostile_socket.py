"""Hostile messages on the Realtime-style socket: each is answered in its words and the socket stays usable."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator

import pytest
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage
from websockets.frames import Frame, Opcode

from tests.e2e.conftest import Start
from tests.e2e.hostile import BODIES, DEEP, TEXTS, VALUES
from tests.e2e.probe import idle, metric, until
from tests.e2e.talk import DELTA, ENDS, PATH, Event, Talk, audio, kinds, talk
from tests.e2e.test_hostile_http import exchange
from tests.fakes.server_process import ServerProcess

CAP = 2
CODES = {
    *("bad_json", "unexpected_binary", "invalid_request", "unknown_type", "bad_text", "empty_text", "too_long"),
    *("invalid_voice", "invalid_model", "invalid_format", "invalid_id", "duplicate_id", "unknown_response", "busy"),
    *("not_ready", "stream_error", "session_ended", "bad_directive"),
}
ANSWERS = {
    "session.updated",
    "response.created",
    "response.marks",
    DELTA,
    "response.completed",
    "response.canceled",
    "response.error",
}
PLACES: dict[str, str] = {
    "type": '{"type":VALUE}',
    "id": '{"type":"response.create","id":VALUE,"input":"Hi."}',
    "response_id": '{"type":"response.create","response_id":VALUE,"input":"Hi."}',
    "input": '{"type":"response.create","input":VALUE}',
    "text": '{"type":"response.create","text":VALUE}',
    "instructions": '{"type":"response.create","instructions":VALUE}',
    "voice": '{"type":"response.create","input":"Hi.","voice":VALUE}',
    "model": '{"type":"response.create","input":"Hi.","model":VALUE}',
    "speed": '{"type":"response.create","input":"Hi.","speed":VALUE}',
    "delivery": '{"type":"response.create","input":"Hi.","delivery":VALUE}',
    "delivery.speed": '{"type":"response.create","input":"Hi.","delivery":{"speed":VALUE}}',
    "delivery.pitch": '{"type":"response.create","input":"Hi.","delivery":{"pitch":VALUE}}',
    "delivery.volume": '{"type":"input.append","text":"Hi.","delivery":{"volume":VALUE}}',
    "cache": '{"type":"response.create","input":"Hi.","cache":VALUE}',
    "audio": '{"type":"response.create","input":"Hi.","audio":VALUE}',
    "audio.voice": '{"type":"response.create","input":"Hi.","audio":{"voice":VALUE}}',
    "cancel": '{"type":"response.cancel","response":VALUE}',
    "append": '{"type":"input.append","text":VALUE}',
    "append id": '{"type":"input.append","text":"Hi.","response_id":VALUE}',
    "session": '{"type":"session.update","session":VALUE}',
    "session.voice": '{"type":"session.update","session":{"voice":VALUE}}',
    "session.model": '{"type":"session.update","model":VALUE}',
    "session.delivery": '{"type":"session.update","session":{"delivery":VALUE}}',
    "session.marks": '{"type":"session.update","session":{"marks":VALUE}}',
    "session.audio": '{"type":"session.update","session":{"audio":VALUE}}',
    "session.format": '{"type":"session.update","session":{"audio":{"format":VALUE}}}',
    "session.rate": '{"type":"session.update","session":{"audio":{"sample_rate":VALUE}}}',
    "extra": '{"type":"barge","extra":VALUE}',
}
"""Every field of every message."""


@pytest.fixture(scope="module")
def server(start: Start) -> ServerProcess:
    seed = {"MAX_CONCURRENT_JOBS": str(CAP), "MAX_QUEUED_REQUESTS": "0", "MAX_UTTERANCE_WORDS": "150"}
    return start(seed, tone={"x_realtime": 5000, "chunk_ms": 400}, max_lead_s=0, max_message_bytes=1_500_000)


@pytest.fixture
async def client(server: ServerProcess) -> AsyncIterator[Talk]:
    """A socket that must still work at the end, on a server that has lost no place."""
    async with talk(server) as socket:
        yield socket
        await assert_usable(socket)
    await assert_unharmed(server)


async def assert_usable(client: Talk) -> None:
    await answers(client)
    await client.tell("session.update", session={"voice": "sine", "model": "tone", "audio": PCM})
    assert (await client.hear())["type"] == "session.updated"
    assert kinds(await client.say("still", "Still here."))[-1] == "completed"


PCM = {"format": "pcm", "sample_rate": 24_000}


async def assert_unharmed(server: ServerProcess) -> None:
    await idle(server)

    async def one() -> int:
        async with talk(server) as client:
            heard = await client.say("a", "Still here.")
            assert kinds(heard)[-1] == "completed"
            return len(audio(heard))

    lengths = await asyncio.gather(*(one() for _ in range(CAP)))
    assert len(set(lengths)) == 1 and lengths[0] > 1000


async def answers(client: Talk) -> list[Event]:
    """Stop everything and return what was said until then; all of it must be of the dialect.

    Direct answers may overtake events, so the last of both is a response of our own (refused while 128 wait).
    """
    await client.tell("barge")
    heard: list[Event] = []
    while not (heard and heard[-1]["type"] in ENDS and heard[-1].get("code") != "busy"):
        heard += await client.say("the last", "Hi.")
    for event in heard:
        assert event["type"] in ANSWERS
        if event["type"] == "response.error":
            assert event["code"] in CODES and event["message"], event
            assert len(json.dumps(event)) < 3000, "an error is no echo"
    return [event for event in heard if event.get("response") != "the last"]


@pytest.mark.parametrize("name", VALUES)
async def test_every_field_of_every_message(client: Talk, name: str) -> None:
    for place, message in PLACES.items():
        await client.link.send(message.replace("VALUE", VALUES[name]))
        heard = await answers(client)
        if name in ("deep", "surrogate string", "NaN", "Infinity"):
            assert [event["code"] for event in heard] == ["bad_json"], place


@pytest.mark.parametrize("name", TEXTS)
async def test_text(client: Talk, name: str) -> None:
    for message in (
        '{"type":"response.create","id":"a","input":VALUE}',
        '{"type":"input.append","id":"b","text":VALUE}',
    ):
        await client.link.send(message.replace("VALUE", TEXTS[name]))
        await client.tell("input.commit")
        heard = await answers(client)
        assert heard, "nothing passes in silence"
    if "surrogates" in name:
        assert heard[0]["code"] == "bad_json"


async def test_text_with_nothing_to_speak_is_told_as_such(client: Talk) -> None:
    for name in ("empty", "white space", "only emoji"):
        await client.link.send('{"type":"response.create","id":"a","input":' + TEXTS[name] + "}")
        assert [event["code"] for event in await client.hear_end("a")] == ["empty_text"]


@pytest.mark.parametrize("name", BODIES)
async def test_whole_messages_that_are_none(client: Talk, name: str) -> None:
    await client.link.send(BODIES[name])
    assert (await client.hear())["code"] == "unexpected_binary"
    try:
        text = BODIES[name].decode()
    except UnicodeDecodeError:
        return  # cannot be a text message at all: see the test of frames
    await client.link.send(text)
    heard = await answers(client)
    assert [event["type"] for event in heard] == ["response.error"]


async def test_ids_long_duplicate_and_strange(client: Talk) -> None:
    await client.create("x" * 257, "Hi.")
    assert (await client.hear())["code"] == "invalid_id"
    for odd in ("x" * 256, "a b", "\x00", "../..", "🙂", "__proto__", "null"):
        assert kinds(await client.say(odd, "Hi."))[-1] == "completed"
    await client.create("twice", "{{long 3000}}")
    await client.hear_first(DELTA)
    await client.create("twice", "Again.")
    heard = await client.hear_end("twice")
    assert heard[-1]["code"] == "duplicate_id"
    assert (await client.hear())["type"] == DELTA, "the first goes on"


async def test_more_responses_than_a_connection_may_hold(client: Talk) -> None:
    for index in range(200):
        await client.create(str(index), "{{long 3000}}")
    heard = await answers(client)
    refused = [event for event in heard if event["type"] == "response.error"]
    canceled = [event for event in heard if event["type"] == "response.canceled"]
    assert [event["code"] for event in refused] == ["busy"] * (200 - 128)
    assert len(canceled) == 128


async def test_a_flood_of_small_messages(client: Talk) -> None:
    reading = asyncio.create_task(_hear_many(client, 5000))
    for _ in range(5000):
        await client.link.send('{"type":"x"}')
    assert all(event["code"] == "unknown_type" for event in await reading)


async def _hear_many(client: Talk, count: int) -> list[Event]:
    return [await client.hear() for _ in range(count)]


async def test_fragmented_messages_are_put_together(client: Talk) -> None:
    text = json.dumps(
        {"type": "response.create", "id": "a", "input": "Häppchenweise, in pieces. 🙂"}, ensure_ascii=False
    )
    await client.link.send((text.encode()[i : i + 1] for i in range(len(text.encode()))), text=True)
    assert kinds(await client.hear_end("a"))[-1] == "completed"


async def test_a_flood_of_pings_is_answered(client: Talk) -> None:
    waiting = [await client.link.ping(os.urandom(100)) for _ in range(2000)]
    await asyncio.wait_for(asyncio.gather(*waiting), 20)


async def test_a_thousand_appends_without_a_sentence_end(client: Talk) -> None:
    for _ in range(1000):
        await client.tell("input.append", response_id="a", text="aaaaa")  # one endless word
    await client.tell("input.commit")
    heard = await client.hear_end("a")
    assert heard[-1]["type"] in ("response.completed", "response.error")


# --- what ends the connection ----------------------------------------------------------------------------------------


async def test_a_message_over_the_bound_closes_with_1009(server: ServerProcess) -> None:
    announced = b"\x81\xff" + (2_000_000).to_bytes(8, "big") + bytes(4)  # refused by its length, before any of it comes
    async with talk(server) as client:
        client.link.transport.write(announced)
        assert await client.closed() == 1009
    await assert_unharmed(server)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (Frame(Opcode.TEXT, b'{"input":"\xff\xfe"}').serialize(mask=True), 1007),
        (Frame(Opcode.CONT, b"of nothing").serialize(mask=True), 1002),
        (b"\xc1\x80" + bytes(4), 1002),
        (b"\x81\x02{}", 1002),
        (b"\x88\x81" + bytes(5), 1002),
    ],
    ids=["invalid UTF-8", "a continuation of nothing", "a reserved bit", "no mask", "a broken close"],
)
async def test_broken_frames_close_with_the_code_of_the_standard(
    server: ServerProcess, frame: bytes, code: int
) -> None:
    async with talk(server) as client:
        client.link.transport.write(frame)
        assert await client.closed() == code
    await assert_unharmed(server)


async def test_garbage_instead_of_frames_hangs_nobody(server: ServerProcess) -> None:
    for garbage in (b"\xff" * 1000, BODIES["random bytes"], b"GET / HTTP/1.1\r\n\r\n", b"\x81\xfe"):
        async with talk(server) as client:
            await client.create("a", "{{long 3000}}")
            await client.hear_first(DELTA)
            client.link.transport.write(garbage)
            client.link.transport.write_eof()
            with pytest.raises(ConnectionClosed):
                await client.hear_end("a")
    await assert_unharmed(server)
    await until(lambda: metric(server, "syrinx_websockets") == 0, "the end of every socket")


@pytest.mark.parametrize(
    "head",
    [
        "sec-websocket-version: 99\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
        "sec-websocket-version: 13\r\nsec-websocket-key: short\r\n",
        "sec-websocket-version: 13\r\n",
        "sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-protocol: ,,,\r\n",
    ],
)
async def test_broken_handshakes_are_answered(server: ServerProcess, head: str) -> None:
    request = f"GET {PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n{head}\r\n"
    answer = await exchange(server, request.encode())
    assert answer.startswith(b"HTTP/1.1 ") and b" 500 " not in answer.split(b"\r\n", 1)[0]
    await assert_unharmed(server)


async def test_subprotocols_that_nobody_speaks(server: ServerProcess) -> None:
    for offered in (["auth.bearer.v1"], ["x", "auth.bearer.v1"], ["auth.bearer.v1", "key"], ["soap"]):
        try:
            async with talk(server, subprotocols=offered) as client:
                assert kinds(await client.say("a", "Hi."))[-1] == "completed"
        except (InvalidHandshake, InvalidMessage) as error:  # pragma: no cover - would be the bug
            pytest.fail(f"{offered}: {error}")


def test_the_table_is_as_deep_as_it_says() -> None:
    assert VALUES["deep"].count("[") == DEEP
