"""Who interrupts is told what was heard, in every dialect that can say it, in the words that the client sent."""

from __future__ import annotations

import asyncio
import json

import pytest
from websockets.asyncio.client import connect

from tests.e2e.contexts import contexts, sound
from tests.e2e.sidecar import TOKEN, next_of, pcm, rest, sidecar
from tests.e2e.talk import DELTA, PATH, RATE, WAIT_S, audio, talk
from tests.fakes.server_process import ServerPool, ServerProcess

TEXT = "Well, it costs $5 😀 now. {{long 3000}} And\r\nmore "
"""Of which tone speaks a character in 0.065 s, the price as "five dollars", and does not come to the end."""
PLAYED = [
    (0.0, ""),
    (0.03, "Well,"),
    (0.5, "Well, it"),
    (1.2, "Well, it costs $5"),
]


@pytest.fixture(params=PLAYED, ids=lambda case: repr(case[1]))
def case(request: pytest.FixtureRequest) -> tuple[float, str]:
    """Seconds that the client says to have played, and what it is told to have heard."""
    return request.param


def check(told: dict[str, object], heard: str, text: str = TEXT) -> None:
    assert (told["heard"], told["remaining"]) == (heard, text.removeprefix(heard))
    assert told.get("spoken_until") in (None, len(heard))


async def test_realtime_style(server: ServerProcess, case: tuple[float, str]) -> None:
    played_s, heard = case
    async with talk(server) as client:
        await client.create("a", TEXT, model="tone")
        events = await client.hear_first(DELTA)
        while len(audio(events)) < 2 * RATE * 2:
            events.append(await client.hear())
        await client.tell("response.cancel", response="a", played_s=played_s)
        check((await client.hear_end("a"))[-1], heard)


async def test_realtime_style_by_the_servers_clock(server: ServerProcess) -> None:
    async with talk(server) as client:
        await client.create("a", "One two three four five six. " * 20, model="tone")
        await client.hear_first(DELTA)
        await asyncio.sleep(0.3)
        await client.tell("barge")
        end = (await client.hear_end("a"))[-1]
        assert end["heard"].startswith("One") and end["remaining"].endswith("six. ")
        assert end["heard"] + end["remaining"] == "One two three four five six. " * 20


@pytest.mark.parametrize("model", ["tone", "espeak"])
async def test_realtime_style_of_what_was_completed_before(server: ServerProcess, model: str) -> None:
    """The model is faster than the listener, so most interruptions come when all is made."""
    async with talk(server) as client:
        await client.say("a", "The first answer.", model=model)
        await client.say("b", "It costs $5, they say.", model=model)
        await client.say("c", "The third.", model=model)
        await client.tell("barge", response="b", played_s=0.05)
        told = [(await client.hear_first("response.interrupted"))[-1] for _ in range(2)]
        assert [event["response"] for event in told] == ["b", "c"]
        check(told[0], "It", "It costs $5, they say.")
        check(told[1], "", "The third.")
        await client.say("d", "Yes?", model=model)  # and all goes on


async def test_orpheus(server: ServerProcess, case: tuple[float, str]) -> None:
    played_s, heard = case
    async with connect(server.ws_url + PATH, proxy=None, max_size=None) as link:
        await link.send(json.dumps({"text": TEXT, "segment_id": "s", "model": "tone"}))
        got = 0
        message: str | bytes = ""
        while got < 2 * RATE * 2:
            async with asyncio.timeout(WAIT_S):
                message = await link.recv()
            got += len(message) if isinstance(message, bytes) else 0
        await link.send(json.dumps({"cancel": True, "played_s": played_s}))
        while not isinstance(message, str):
            async with asyncio.timeout(WAIT_S):
                message = await link.recv()
        end = json.loads(message)
        assert (end["type"], end["canceled"]) == ("end", True)
        check(end, heard)


async def test_chatterbox(server: ServerProcess, case: tuple[float, str]) -> None:
    played_s, heard = case
    async with connect(server.ws_url + "/v1/stream/tts", proxy=None, max_size=None) as link:
        await link.send(json.dumps({"type": "synthesize", "text": TEXT, "model": "tone", "request_id": "r"}))
        got = 0
        message: str | bytes = ""
        while got < 2 * RATE * 4:
            async with asyncio.timeout(WAIT_S):
                message = await link.recv()
            got += len(message) if isinstance(message, bytes) else 0
        await link.send(json.dumps({"type": "cancel", "request_id": "r", "played_s": played_s}))
        while not isinstance(message, str):
            async with asyncio.timeout(WAIT_S):
                message = await link.recv()
        end = json.loads(message)
        assert (end["type"], end["canceled"]) == ("synthesis_complete", True)
        check(end, heard)


async def test_elevenlabs(server: ServerProcess, case: tuple[float, str]) -> None:
    played_s, heard = case
    async with contexts(server) as client:
        await client.tell(TEXT, "a")
        await client.tell(context="a", flush=True)
        events = [await client.hear()]
        while len(sound(events, "a")) < 2 * RATE * 2:
            events.append(await client.hear())
        await client.tell(context="a", close_context=True, played_s=played_s)
        check((await client.hear_final("a"))[-1], heard)


async def test_the_sidecar(servers: ServerPool, case: tuple[float, str]) -> None:
    played_s, heard = case
    server = servers.get(("tone", "espeak"), api_key=TOKEN, max_lead_s=0)
    async with sidecar(server.url) as side:
        job = await side.speak(TEXT)
        async with side.listen(job) as link:
            events = [await next_of(link)]
            while len(pcm(events)) < 2 * RATE * 2:
                events.append(await next_of(link))
            answer = (await side.post("/v1/cancel", job_id=job["job_id"], played_s=played_s)).json()
            assert answer.pop("canceled") is True
            last = (await rest(link))[-1]
    assert last["type"] == "JOB_CANCELED"
    check(answer, heard)
    check(last, heard)
