"""OpenAI's Realtime API over real sockets: responses in order, interruptions, turns by a real ear, what is hostile."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.frames import Frame, Opcode
from websockets.typing import Subprotocol

from tests.e2e.conftest import Start
from tests.e2e.hostile import BODIES, TEXTS, VALUES
from tests.e2e.probe import ended, idle, metric, until
from tests.e2e.responses import DELTA, Event, Responses, responses, sound, transcript
from tests.e2e.talk import RATE, WAIT_S
from tests.fakes.server_process import ServerProcess

TEXT = "The first words are heard, while the last ones are made."
LENGTH_S = len(TEXT) * 0.065
"""As tone speaks it."""
CAP = 4
ITEM = '{"type":"conversation.item.create","item":{"type":"message","role":"user","content":'
PLACES: dict[str, str] = {
    "type": '{"type":VALUE}',
    "event_id": '{"type":"input_audio_buffer.clear","event_id":VALUE}',
    "session": '{"type":"session.update","session":VALUE}',
    "session.model": '{"type":"session.update","session":{"type":"realtime","model":VALUE}}',
    "session.instructions": '{"type":"session.update","session":{"type":"realtime","instructions":VALUE}}',
    "session.audio": '{"type":"session.update","session":{"type":"realtime","audio":VALUE}}',
    "output": '{"type":"session.update","session":{"type":"realtime","audio":{"output":VALUE}}}',
    "voice": '{"type":"session.update","session":{"type":"realtime","audio":{"output":{"voice":VALUE}}}}',
    "speed": '{"type":"session.update","session":{"type":"realtime","audio":{"output":{"speed":VALUE}}}}',
    "format": '{"type":"session.update","session":{"type":"realtime","audio":{"output":{"format":VALUE}}}}',
    "input": '{"type":"session.update","session":{"type":"realtime","audio":{"input":VALUE}}}',
    "turns": '{"type":"session.update","session":{"type":"realtime","audio":{"input":{"turn_detection":VALUE}}}}',
    "item": '{"type":"conversation.item.create","item":VALUE}',
    "previous": ITEM + '[]},"previous_item_id":VALUE}',
    "content": ITEM + "VALUE}}",
    "part": ITEM + "[VALUE]}}",
    "text": ITEM + '[{"type":"input_text","text":VALUE}]}}',
    "item_id": '{"type":"conversation.item.retrieve","item_id":VALUE}',
    "delete": '{"type":"conversation.item.delete","item_id":VALUE}',
    "truncate": '{"type":"conversation.item.truncate","item_id":"x","content_index":VALUE,"audio_end_ms":VALUE}',
    "response": '{"type":"response.create","response":VALUE}',
    "response.input": '{"type":"response.create","response":{"input":VALUE}}',
    "response.metadata": '{"type":"response.create","response":{"metadata":VALUE}}',
    "cancel": '{"type":"response.cancel","response_id":VALUE}',
    "append": '{"type":"input_audio_buffer.append","audio":VALUE}',
}
"""Every field of every message."""


@pytest.fixture(scope="module")
def server(start: Start) -> ServerProcess:
    """Few places, so that a leak shows."""
    seed = {"MAX_CONCURRENT_JOBS": str(CAP), "MAX_QUEUED_REQUESTS": "64"}
    return start(seed, tone={"x_realtime": 100}, max_lead_s=2, max_message_bytes=1_500_000)


@pytest.fixture
async def client(server: ServerProcess) -> AsyncIterator[Responses]:
    """A socket that must still work at the end, on a server that has lost no place."""
    async with responses(server) as link:
        assert (await link.hear())["type"] == "session.created"
        yield link
        usual = {"format": {"type": "audio/pcm"}, "voice": "sine", "speed": 1.0}
        await link.tell("session.update", session={"type": "realtime", "model": "tone", "audio": {"output": usual}})
        await link.hear_first("session.updated")
        heard = await link.say("Still here.")
        assert sound(heard, heard[-1]["response"]["id"])
    await idle(server)


def errors(heard: list[Event]) -> list[str]:
    return [event["error"]["code"] for event in heard if event["type"] == "error"]


# --- speaking --------------------------------------------------------------------------------------------------------


async def test_text_becomes_audio_with_its_words(client: Responses) -> None:
    await client.item(TEXT)
    await client.tell("response.create")
    heard = await client.hear_first("response.done")
    assert len(sound(heard)) / 2 / RATE == pytest.approx(LENGTH_S, abs=0.4) and transcript(heard) == TEXT
    words = [index for index, event in enumerate(heard) if event["type"].endswith("transcript.delta")]
    audio = [index for index, event in enumerate(heard) if event["type"] == DELTA]
    assert words[0] < audio[0] and words[-1] > audio[0], "each word comes with its audio"


@pytest.mark.parametrize(
    ("name", "rate", "bytes_per_sample"), [("pcmu", 8000, 1), ("pcma", 8000, 1), ("pcm", 24_000, 2)]
)
async def test_every_format_has_the_length_of_its_rate(
    client: Responses, name: str, rate: int, bytes_per_sample: int
) -> None:
    heard = await client.say(TEXT, audio={"output": {"format": {"type": f"audio/{name}"}}})
    assert len(sound(heard)) / rate / bytes_per_sample == pytest.approx(LENGTH_S, abs=0.4)


async def test_responses_asked_for_at_once_are_heard_one_after_the_other(client: Responses) -> None:
    texts = [f"Number {n}." for n in "one two three".split()]
    for text in texts:
        await client.create(text, metadata={"text": text})
    heard: list[Event] = []
    for _ in texts:
        heard += await client.hear_first("response.done")
    assert [event["response"]["metadata"]["text"] for event in heard if event["type"] == "response.done"] == texts
    order = [event["response_id"] for event in heard if event["type"] == DELTA]
    assert sorted(set(order), key=order.index) == [e["response"]["id"] for e in heard if e["type"] == "response.done"]
    assert transcript(heard) == "".join(texts)


async def test_what_the_model_breaks_fails_the_response_alone(client: Responses) -> None:
    failed = (await client.say("{{long 1}} {{error}}"))[-1]["response"]
    assert failed["status"] == "failed" and failed["status_details"]["error"]["code"] == "model_failed"


# --- interruptions ---------------------------------------------------------------------------------------------------


async def begin(client: Responses, text: str = "{{long 3000}}", **response: Any) -> str:
    """Hear the first audio of a response that would not end; returns its id."""
    await client.create(text, **response)
    return (await client.hear_first(DELTA))[-1]["response_id"]


async def test_a_cancel_stops_the_model_and_no_audio_follows(client: Responses, server: ServerProcess) -> None:
    name = await begin(client)
    before = ended(server, "canceled")
    await client.tell("response.cancel", event_id="stop")
    done = (await client.hear_first("response.done"))[-1]["response"]
    assert (done["id"], done["status"]) == (name, "cancelled")
    assert done["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    heard = await client.say("New.")
    assert sound(heard) == sound(heard, heard[-1]["response"]["id"]) != b""
    await idle(server)
    await until(lambda: ended(server, "canceled") > before, "the record of the cancel")


async def test_the_last_word_heard_is_told(client: Responses) -> None:
    text = "One two three four. {{long 3000}}"
    await client.create(text)
    heard: list[Event] = []
    while len(sound(heard)) / 2 / RATE < 1.5:
        heard.append(await client.hear())
    await asyncio.sleep(0.4)  # the listener plays; what was heard by then is for the server to judge
    await client.tell("response.cancel")
    done = (await client.hear_first("response.done"))[-1]["response"]
    assert done["heard"].startswith("One") and done["heard"] + done["remaining"] == text


async def test_truncating_tells_what_was_heard_at_that_time(client: Responses) -> None:
    heard = await client.say(TEXT)
    (item,) = heard[-1]["response"]["output"]
    await client.tell("conversation.item.truncate", item_id=item["id"], content_index=0, audio_end_ms=1000)
    truncated = await client.hear()
    assert truncated["type"] == "conversation.item.truncated" and truncated["audio_end_ms"] == 1000
    assert truncated["heard"] == "The first words" and truncated["heard"] + truncated["remaining"] == TEXT
    await client.tell("conversation.item.retrieve", item_id=item["id"])
    assert (await client.hear())["item"]["content"][0]["transcript"] == "The first words"


async def test_truncating_what_is_being_spoken_stops_it(client: Responses, server: ServerProcess) -> None:
    await client.create("Hello there. {{long 3000}}")
    heard = await client.hear_first(DELTA)
    item_id = heard[-1]["item_id"]
    await client.tell("conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=10)
    heard = await client.hear_until(lambda event: event["type"] == "response.done")
    assert heard[-1]["response"]["status"] == "cancelled" and heard[-1]["response"]["heard"] == "Hello"
    assert "conversation.item.truncated" in [event["type"] for event in heard]
    await idle(server)


async def test_a_hang_up_stops_the_model(server: ServerProcess) -> None:
    async with responses(server) as client:
        await begin(client)
        client.link.transport.abort()
    await idle(server)
    await until(lambda: metric(server, "syrinx_websockets") == 0, "the end of the socket")


# --- hostile ---------------------------------------------------------------------------------------------------------


async def test_unknown_double_and_late(client: Responses) -> None:
    await client.tell("response.cancel", event_id="mine")
    refused = await client.hear()
    assert refused["error"]["code"] == "response_cancel_not_active" and refused["error"]["event_id"] == "mine"
    name = await begin(client)
    for _ in range(3):
        await client.tell("response.cancel", response_id=name)
    await client.tell("conversation.item.delete", item_id="nobody")
    heard = await client.say("New.")
    assert errors(heard) == ["response_cancel_not_active"] * 2 + ["item_delete_invalid_item_id"]
    assert [e["response"]["status"] for e in heard if e["type"] == "response.done"] == ["cancelled", "completed"]


@pytest.mark.parametrize("name", VALUES)
async def test_every_field_of_every_message(client: Responses, name: str) -> None:
    for message in PLACES.values():
        await client.link.send(message.replace("VALUE", VALUES[name]))
    await client.tell("response.cancel", event_id="the last")
    heard = await client.hear_until(lambda event: event.get("error", {}).get("event_id") == "the last")
    for event in heard:
        assert event["event_id"] and event["type"]
        if event["type"] == "error":
            assert event["error"]["message"] and len(str(event)) < 3000, "an error is no echo"


@pytest.mark.parametrize("name", TEXTS)
async def test_text(client: Responses, name: str) -> None:
    await client.link.send(ITEM + '[{"type":"input_text","text":' + TEXTS[name] + "}]}}")
    await client.tell("response.create")
    heard = await client.hear_until(lambda event: event["type"] in ("error", "response.created"))
    if heard[-1]["type"] == "response.created":
        await client.tell("response.cancel", event_id="the last")
        await client.hear_first("response.done")


@pytest.mark.parametrize("name", BODIES)
async def test_whole_messages_that_are_none(client: Responses, name: str) -> None:
    await client.link.send(BODIES[name])
    assert (await client.hear())["error"]["code"] == "unexpected_binary"


async def test_a_flood_of_responses_is_bounded(client: Responses) -> None:
    given = {
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "{{long 3000}}"}]}]
    }
    for _ in range(300):
        await client.tell("response.create", response=given)
    heard: list[Event] = []
    while len(errors(heard)) < 300 - 128:
        heard.append(await client.hear())
    assert set(errors(heard)) == {"rate_limit_exceeded"}
    for _ in range(128):
        await client.tell("response.cancel")
    while sum(event["type"] == "response.done" for event in heard) < 128:
        heard.append(await client.hear())
    assert {e["response"]["status"] for e in heard if e["type"] == "response.done"} == {"cancelled"}


async def test_a_flood_of_audio_is_taken(client: Responses) -> None:
    audio = base64.b64encode(bytes(960)).decode()
    for _ in range(2000):
        await client.tell("input_audio_buffer.append", audio=audio)
    await client.tell("input_audio_buffer.commit")
    assert [(await client.hear())["type"] for _ in range(3)] == [
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
    ]


async def test_a_huge_message_and_half_a_character_close_with_the_standards_code(server: ServerProcess) -> None:
    announced = b"\x81\xff" + (2_000_000).to_bytes(8, "big") + bytes(4)
    half = Frame(Opcode.TEXT, b'{"type":"\xf0\x9f').serialize(mask=True)
    for frame, code in ((announced, 1009), (half, 1007)):
        async with responses(server) as client:
            client.link.transport.write(frame)
            assert (await client.closed())[0] == code


async def test_a_model_that_there_is_not_is_told_and_closed(server: ServerProcess) -> None:
    async with responses(server, "model=nothing") as client:
        refused = await client.hear()
        assert (refused["type"], refused["error"]["code"]) == ("error", "model_not_found")
        assert (await client.closed())[0] == 1008
    async with responses(server, "") as client:
        assert (await client.hear())["type"] == "session.created"


async def test_a_wrong_key_closes_with_the_reason(start: Start) -> None:
    locked = start({"API_KEY": "sesame"})
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        async with responses(locked, additional_headers=headers) as client:
            assert (await client.closed())[0] == 1008
    async with responses(locked, additional_headers={"Authorization": "Bearer sesame"}) as client:
        assert (await client.hear())["type"] == "session.created"
        async with asyncio.timeout(WAIT_S):
            assert sound(await client.say())
    offered = [Subprotocol("realtime"), Subprotocol("openai-insecure-api-key.sesame")]
    async with responses(locked, subprotocols=offered) as client:
        assert client.link.subprotocol == "realtime" and (await client.hear())["type"] == "session.created"
