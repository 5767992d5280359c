"""Who runs, who waits, who is told to come back: the caps, the predicted wait and fair turns (rows 1-19 to 1-22)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import pytest

from tests.e2e.conftest import Start
from tests.e2e.probe import idle
from tests.e2e.talk import DELTA, RATE, WAIT_S, Event, Talk, audio, kinds, talk
from tests.fakes.server_process import ServerProcess

CAP = 3
QUEUE = 2
ENDLESS = "{{long 3000}}"


@pytest.fixture(scope="module")
def capped(start: Start) -> ServerProcess:
    """A long patience, so that only the caps refuse."""
    seed = {"MAX_CONCURRENT_JOBS": str(CAP), "MAX_QUEUED_REQUESTS": str(QUEUE), "QUEUE_WAIT_SLA_MS": "3600000"}
    return start(seed, tone={"x_realtime": 50})


@pytest.fixture(scope="module")
def predicting(start: Start) -> ServerProcess:
    """One at a time, and a wait of one second at most; before anything was measured, 2.5 s an utterance are assumed."""
    seed = {"MAX_CONCURRENT_JOBS": "1", "MAX_QUEUED_REQUESTS": "100", "QUEUE_WAIT_SLA_MS": "1000"}
    return start({**seed, "AVG_JOB_WALL_MS": "2500"}, tone={"x_realtime": 50})


@pytest.fixture(scope="module")
def one_row(start: Start) -> ServerProcess:
    """A device that does one thing at a time."""
    seed = {"MAX_CONCURRENT_JOBS": "4", "PRIORITY_QUANTUM_BYTES": "2048", "SCHED_QUANTUM_BYTES": "16384"}
    return start(seed, tone={"x_realtime": 30, "max_batch": 1})


@pytest.fixture(scope="module")
def measured(start: Start) -> ServerProcess:
    """It has places for eight, and a model that carries one listener and a half: fewer on a busy machine, never two."""
    seed = {"MAX_CONCURRENT_JOBS": "8", "MAX_QUEUED_REQUESTS": "8", "QUEUE_WAIT_SLA_MS": "3600000"}
    return start(seed, tone={"x_realtime": 1.5, "max_batch": 1}, when_busy="wait")


@asynccontextmanager
async def many(server: ServerProcess, count: int) -> AsyncIterator[list[Talk]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(talk(server)) for _ in range(count)]


async def still_waits(client: Talk) -> None:
    """The server has taken all that was sent, and answered nothing but this question."""
    await client.tell("response.cancel", response="a question")
    assert (await client.hear())["code"] == "unknown_response"


async def test_1_19_never_more_than_the_cap_run_and_each_end_lets_one_in(capped: ServerProcess) -> None:
    async with many(capped, CAP + QUEUE) as clients:
        for client in clients[:CAP]:
            await client.create("a", ENDLESS)
            assert (await client.hear())["type"] == "response.created"
        for client in clients[CAP:]:
            await client.create("a", ENDLESS)
            await still_waits(client)
        for leaving, next_one in zip(clients, clients[CAP:], strict=False):
            await leaving.tell("response.cancel", response="a")
            await leaving.hear_end("a")
            assert (await next_one.hear())["type"] == "response.created", "the oldest in the line"
            for other in clients[clients.index(next_one) + 1 :]:
                await still_waits(other)


async def test_1_20_a_full_line_is_busy_and_says_when_to_come_back(capped: ServerProcess) -> None:
    async with many(capped, CAP + QUEUE) as clients, talk(capped) as late:
        for client in clients:
            await client.create("a", ENDLESS)
            if client in clients[:CAP]:
                await client.hear_first("response.created")
            else:
                await still_waits(client)
        (refused,) = await late.say("late", "Hello.")
        assert refused["code"] == "busy" and refused["retry_after_s"] > 0
        async with httpx.AsyncClient(base_url=capped.url, trust_env=False, timeout=WAIT_S) as http:
            answer = await http.post("/v1/audio/speech", json={"input": "Hello."})
        assert answer.status_code == 429 and int(answer.headers["retry-after"]) >= 1
        await clients[-1].tell("barge")
        await clients[-1].hear_end("a")
        await late.create("again", "Hello.")
        await still_waits(late)
    await idle(capped)


async def test_1_20_busy_keeps_the_socket_and_what_was_typed_is_answered(capped: ServerProcess) -> None:
    """The founding server lost buffered text without a word when it was busy."""
    async with many(capped, CAP + QUEUE) as clients, talk(capped) as late:
        for client in clients:
            await client.create("a", ENDLESS)
            await client.tell("response.cancel", response="a question")
            while (await client.hear()).get("code") != "unknown_response":
                pass
        await late.tell("input.append", response_id="typed", text="This was typed piece by piece. ")
        await late.tell("input.append", text="And it is not to be lost in silence.")
        await late.tell("input.commit")
        said = (await late.hear_end("typed"))[-1]
        assert (said["code"], said["response"]) == ("busy", "typed")
        for client in clients:
            await client.tell("barge")
            await client.hear_end("a")
        assert kinds(await late.say("again", "This was typed."))[-1] == "completed"


async def test_pipelined_sentences_take_one_place_so_an_idle_server_is_never_busy(capped: ServerProcess) -> None:
    """Six at a cap of three: the founding server counted messages and refused the rest."""
    async with talk(capped) as client:
        for index in range(6):
            await client.create(str(index), "A short sentence.")
        heard = await client.hear_end("5")
    assert [event["type"] for event in heard if event["type"] in ("response.error", "response.completed")] == [
        "response.completed"
    ] * 6


async def test_1_21_the_predicted_wait_refuses_early_and_learns(predicting: ServerProcess) -> None:
    async with talk(predicting) as first, talk(predicting) as second:
        await first.create("slow", ENDLESS)
        await first.hear_first(DELTA)
        (refused,) = await second.say("early", "Hello.")
        assert refused["code"] == "busy", "0.5 x 2.5 s is over a second, though a hundred may wait"
        assert refused["retry_after_s"] == pytest.approx(1.25)
        await first.tell("barge")
        await first.hear_end("slow")
        for index in range(20):  # fast ones: the average falls
            assert kinds(await second.say(str(index), "Yes."))[-1] == "completed"
        await first.create("slow", ENDLESS)
        await first.hear_first(DELTA)
        await second.create("now it may wait", "Hello.")
        await still_waits(second)
        await first.tell("barge")
        assert kinds(await second.hear_end("now it may wait"))[-1] == "completed"


async def test_whom_the_model_was_measured_not_to_carry_waits_though_there_are_places(measured: ServerProcess) -> None:
    async with talk(measured) as first, talk(measured) as second:
        assert kinds(await first.say("learned from", "Hello there."))[-1] == "completed"
        await first.create("a", ENDLESS)
        await first.hear_first(DELTA)
        await second.create("b", "Hello.")
        await still_waits(second)
        await first.tell("barge")
        await first.hear_end("a")
        assert kinds(await second.hear_end("b"))[-1] == "completed"


async def test_1_22_a_short_response_ends_before_a_long_one_that_began_earlier(one_row: ServerProcess) -> None:
    async with talk(one_row) as long, talk(one_row) as short:
        await long.create("long", "{{long 25}}")
        await long.hear_first(DELTA)
        ending = asyncio.create_task(long.hear_end("long"))
        assert kinds(await short.say("short", "Just a word."))[-1] == "completed"
        assert not ending.done(), "the long one is still at it"
        assert kinds(await ending)[-1] == "completed"


async def test_1_22_equal_responses_get_equal_shares(one_row: ServerProcess) -> None:
    async with many(one_row, 3) as clients:
        heard: list[list[Event]] = [[] for _ in clients]

        async def listen(client: Talk, events: list[Event]) -> list[float]:
            while not (events and events[-1]["type"] == "response.completed"):
                events.append(await client.hear())
            return [len(audio(other)) / 2 / RATE for other in heard]

        for client in clients:
            await client.create("a", "{{long 15}}")
        listeners = [asyncio.create_task(listen(*pair)) for pair in zip(clients, heard, strict=True)]
        done, _ = await asyncio.wait(listeners, return_when=asyncio.FIRST_COMPLETED)
        shares = done.pop().result()
        assert min(shares) >= 7, f"seconds that each had when the first had its 15: {shares}"
        await asyncio.gather(*listeners)


async def test_1_22_shares_of_bulk_and_listeners_follow_the_quanta(one_row: ServerProcess) -> None:
    """Once a listener is comfortable, what is left goes 2048 to 16384 to bulk work, which ends first."""
    async with talk(one_row) as listener:
        await listener.create("a", "{{long 25}}")
        await listener.hear_first(DELTA)
        ending = asyncio.create_task(listener.hear_end("a"))
        async with httpx.AsyncClient(base_url=one_row.url, trust_env=False, timeout=WAIT_S) as http:
            body = {"input": "{{long 50}}", "response_format": "pcm", "service_class": "bulk"}
            answer = await http.post("/v1/audio/speech", json=body)
        assert len(answer.content) == 50 * RATE * 2
        assert not ending.done(), "bulk work got eight times the listener's share"
        assert kinds(await ending)[-1] == "completed"
