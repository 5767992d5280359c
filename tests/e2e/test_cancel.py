"""Cancels, barge-ins, dropped connections and slow readers: who is concerned stops, nobody else notices
(rows 1-08 to 1-14 and 1-29, and what ``protocols.md`` 2.6 says the founding server did wrong)."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable

import httpx
import pytest

from tests.e2e.conftest import Start
from tests.e2e.probe import ended, idle, metric, metrics_log, running, until
from tests.e2e.talk import DELTA, WAIT_S, Event, Talk, audio, kinds, stalled, talk
from tests.fakes.server_process import ServerProcess

CAP = 4
SEED = {
    "MAX_CONCURRENT_JOBS": str(CAP),
    "MAX_QUEUED_REQUESTS": "4",
    "QUEUE_WAIT_SLA_MS": "60000",
    "WS_SEND_TIMEOUT": "60",
    "PRIME_STREAM": "1",
}
ENDLESS = "{{long 3000}}"
"""Fifty minutes: it ends within a test only if it is stopped."""
NINE_KEYS = {"ts", "request_id", "ttfb_ms", "wall_s", "audio_s", "rtf", "xrt", "kbps", "canceled"}


@pytest.fixture(scope="module")
def seed(start: Start) -> ServerProcess:
    return start(SEED, tone={"x_realtime": 50}, max_lead_s=0)


async def assert_all_slots_free(server: ServerProcess) -> None:
    """As many as may run do run at once, and none is left over from before."""
    await idle(server)
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(talk(server)) for _ in range(CAP)]
        for client in clients:
            await client.create("fill", ENDLESS)
        for client in clients:
            await client.hear_first(DELTA)
        for client in clients:
            await client.tell("barge")
            assert kinds(await client.hear_end("fill"))[-1] == "canceled"
    await idle(server)


async def assert_speaks(server: ServerProcess) -> None:
    async with talk(server) as client:
        assert kinds(await client.say("ok", "Hello there."))[-1] == "completed"


async def speaking(client: Talk, name: str) -> None:
    """Start an endless response and hear its beginning."""
    await client.create(name, ENDLESS)
    heard: list[Event] = []
    while len(audio(heard)) < 10_000:
        heard.append(await client.hear())


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"voice": "nobody"}, "invalid_voice"),
        ({"model": "nothing"}, "invalid_model"),
        ({"input": "word " * 151}, "too_long"),
        ({"input": "{{nonsense}}"}, "bad_directive"),
        ({"input": "🙂"}, "empty_text"),
        ({"input": "{{error}}"}, "stream_error"),
    ],
)
async def test_1_08_twenty_refused_responses_hold_no_slot(
    seed: ServerProcess, fields: dict[str, str], code: str
) -> None:
    async with talk(seed) as client:
        for index in range(20):
            name = f"bad-{index}"
            await client.tell("response.create", **{"response_id": name, "input": "Hello.", **fields})
            assert (await client.hear_end(name))[-1]["code"] == code
        assert kinds(await client.say("good", "Hello."))[-1] == "completed"
    await assert_all_slots_free(seed)


async def test_1_09_an_active_response_is_canceled_once_and_silent_after_it(seed: ServerProcess) -> None:
    async with talk(seed) as client:
        await speaking(client, "a")
        await client.tell("response.cancel", response="a")
        assert kinds(await client.hear_end("a"))[-1] == "canceled"
        await idle(seed)
        after = await client.say("b", "Next.")
        assert {event["response"] for event in after} == {"b"}, "nothing of the first comes after its end"
    await assert_all_slots_free(seed)


async def test_1_09_a_queued_response_is_canceled_at_once_while_the_active_one_goes_on(seed: ServerProcess) -> None:
    async with talk(seed) as client:
        await speaking(client, "a")
        await client.create("b", "Queued behind an endless one.")
        await client.tell("response.cancel", response_id="b")
        heard = await client.hear_end("b")
        assert heard[-1]["type"] == "response.canceled"
        assert {event["response"] for event in heard[:-1]} <= {"a"}
        assert (await client.hear())["response"] == "a", "the active one still speaks"
    await assert_all_slots_free(seed)


async def test_1_09_canceling_what_waits_for_admission_frees_its_place(seed: ServerProcess) -> None:
    async with contextlib.AsyncExitStack() as stack:
        busy = [await stack.enter_async_context(talk(seed)) for _ in range(CAP)]
        for client in busy:
            await speaking(client, "a")
        waiting = await stack.enter_async_context(talk(seed))
        for index in range(20):  # more often than there are places in the line
            await waiting.create(str(index), "In the line.")
            await waiting.tell("response.cancel", response=str(index))
            assert kinds(await waiting.hear_end(str(index))) == ["canceled"]
    await assert_all_slots_free(seed)


async def test_1_10_an_id_belongs_to_its_connection(seed: ServerProcess) -> None:
    async with talk(seed) as mine, talk(seed) as other:
        await speaking(mine, "same")
        await other.tell("response.cancel", response="same")
        assert (await other.hear())["code"] == "unknown_response"
        await speaking(other, "same")
        await other.tell("response.cancel", response="same")
        assert kinds(await other.hear_end("same"))[-1] == "canceled"
        assert (await mine.hear())["type"] == DELTA
        await mine.tell("response.cancel", response="same")
        assert kinds(await mine.hear_end("same"))[-1] == "canceled"


async def test_1_11_others_finish_after_a_cancel_in_mid_stream(seed: ServerProcess) -> None:
    async with talk(seed) as client:
        for index in range(2 * CAP):
            await speaking(client, str(index))
            await client.tell("response.cancel", response=str(index))
            await client.hear_end(str(index))
            await assert_speaks(seed)


async def test_1_11_others_finish_after_a_connection_was_dropped_in_mid_stream(seed: ServerProcess) -> None:
    async with talk(seed) as beside:
        await speaking(beside, "beside")
        for _ in range(2 * CAP):
            async with talk(seed) as client:
                await speaking(client, "a")
                client.drop()
            await assert_speaks(seed)
        await beside.tell("barge")
        await beside.hear_end("beside")
    await assert_all_slots_free(seed)
    await until(lambda: metric(seed, "syrinx_websockets") == 0, "the end of every socket")


async def test_1_12_a_reader_that_stops_slows_nobody_and_can_go_on(seed: ServerProcess) -> None:
    async with stalled(seed) as slow, talk(seed) as other:
        await slow.create("slow", "{{long 120}}")
        for index in range(10):
            assert kinds(await other.say(str(index), "Hello to whoever listens."))[-1] == "completed"
        heard = await slow.hear_end("slow")
        assert heard[-1]["type"] == "response.completed"
        assert heard[-1]["duration_s"] == pytest.approx(120, abs=0.01), "what waited for it is all there"


async def test_1_14_barge_stops_the_active_the_queued_and_the_growing_response(seed: ServerProcess) -> None:
    async with talk(seed) as client:
        await speaking(client, "active")
        await client.create("queued", "Never heard.")
        await client.tell("input.append", response_id="growing", text="Never heard either, ")
        await client.tell("barge")
        canceled: set[str] = set()
        while len(canceled) < 3:
            event = await client.hear()
            if event["type"] == "response.canceled":
                assert event["response"] not in canceled
                canceled.add(event["response"])
            else:
                assert event["response"] == "active" and not canceled, "no sound after the first end"
        assert canceled == {"active", "queued", "growing"}
        await client.tell("input.commit")
        assert (await client.hear())["code"] == "empty_text", "the buffer is cleared"
        after = await client.say("next", "Hello.")
        assert {event["response"] for event in after} == {"next"}
    await assert_all_slots_free(seed)


async def test_1_29_every_ended_response_writes_a_line_with_the_nine_keys(seed: ServerProcess) -> None:
    await idle(seed)
    async with talk(seed) as client:
        await client.say(
            "the-one-before", "Hi."
        )  # lines are written in order and some time later: those of others are too
        await until(
            lambda: [line["request_id"] for line in metrics_log(seed)][-1:] == ["the-one-before"],
            "its line in metrics.log",
        )
        before = len(metrics_log(seed))
        completed = (await client.say("whole-one", "Hello there."))[-1]
        await speaking(client, "canceled-one")
        await client.tell("response.cancel", response="canceled-one")
        await client.hear_end("canceled-one")
        await speaking(client, "dropped-one")
        client.drop()
    await until(lambda: len(metrics_log(seed)) >= before + 3, "three more lines in metrics.log")
    lines = {line["request_id"]: line for line in metrics_log(seed)[before:]}
    assert set(lines) == {"whole-one", "canceled-one", "dropped-one"}
    assert all(set(line) >= NINE_KEYS for line in lines.values())
    whole = lines["whole-one"]
    assert whole["canceled"] is False and whole["audio_s"] == pytest.approx(completed["duration_s"], abs=1e-4)
    assert whole["rtf"] == pytest.approx(whole["wall_s"] / whole["audio_s"], rel=0.01)
    assert whole["xrt"] == pytest.approx(whole["audio_s"] / whole["wall_s"], rel=0.01)
    assert whole["kbps"] == pytest.approx(completed["total_samples"] * 2 / 1024 / whole["wall_s"], rel=0.02)
    assert 0 < whole["ttfb_ms"] <= whole["wall_s"] * 1000
    assert lines["canceled-one"]["canceled"] and lines["dropped-one"]["canceled"]
    assert 0 < lines["canceled-one"]["audio_s"] < 3000


# --- every way to leave stops the model within a step ----------------------------------------------------------------


async def leave_by_message(server: ServerProcess) -> None:
    async with talk(server) as client:
        await speaking(client, "a")
        await client.tell("response.cancel", response="a")
        await client.hear_end("a")
        await idle(server)


async def leave_by_closing(server: ServerProcess) -> None:
    async with talk(server) as client:
        await speaking(client, "a")


async def leave_by_dropping(server: ServerProcess) -> None:
    async with talk(server) as client:
        await speaking(client, "a")
        client.drop()


async def leave_http(server: ServerProcess) -> None:
    body = {"input": ENDLESS, "response_format": "pcm"}
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=WAIT_S) as http:
        async with http.stream("POST", "/v1/audio/speech", json=body) as answer:
            assert answer.status_code == 200
            async for _ in answer.aiter_bytes():
                break


async def leave_sse(server: ServerProcess) -> None:
    body = {"input": ENDLESS, "response_format": "mp3", "stream_format": "sse"}
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=WAIT_S) as http:
        async with http.stream("POST", "/v1/audio/speech", json=body) as answer:
            async for line in answer.aiter_lines():
                assert line.startswith("data: ")
                break


@pytest.mark.parametrize("leave", [leave_by_message, leave_by_closing, leave_by_dropping, leave_http, leave_sse])
async def test_whoever_leaves_stops_the_model_and_frees_the_slot(
    seed: ServerProcess, leave: Callable[[ServerProcess], Awaitable[None]]
) -> None:
    await idle(seed)
    canceled, known = ended(seed, "canceled"), metric(seed, "syrinx_cancel_to_idle_seconds_count")
    await leave(seed)
    await idle(seed)  # an endless job: the model would be at work for a minute
    await until(lambda: ended(seed, "canceled") == canceled + 1, "the record of the cancel")
    assert metric(seed, "syrinx_cancel_to_idle_seconds_count") == known + 1, "the worker said when it stopped"
    assert running(seed) == 0
    await assert_all_slots_free(seed)


async def test_a_barge_in_the_same_breath_as_the_text_loses_no_place(seed: ServerProcess) -> None:
    """Text and cancel arrive in one turn of the server's loop: the cancel must not be overtaken."""
    async with talk(seed) as client:
        for index in range(3 * CAP):
            burst = (
                {"type": "input.append", "response_id": str(index), "text": "Some "},
                {"type": "input.append", "text": "words."},
                {"type": "input.commit"},
                {"type": "barge"},
            )
            for message in burst:
                await client.link.send(json.dumps(message))
            assert kinds(await client.hear_end(str(index)))[-1] == "canceled"
    await assert_all_slots_free(seed)


async def test_leaving_before_the_first_sound_stops_the_model_too(seed: ServerProcess) -> None:
    """The founding server leaked what was canceled while it waited; here 3 × the cap leave at every stage."""
    body = {"input": "{{stall 0.2}} " + ENDLESS, "response_format": "pcm"}
    async with httpx.AsyncClient(base_url=seed.url, trust_env=False) as http:
        for _ in range(3 * CAP):
            with contextlib.suppress(httpx.TimeoutException):
                await http.post("/v1/audio/speech", json=body, timeout=0.05)
    await assert_all_slots_free(seed)


async def test_many_come_and_go_at_random_moments_and_nothing_is_left(seed: ServerProcess) -> None:
    async def visitor(index: int) -> None:
        async with talk(seed) as client:
            for turn in range(5):
                await client.create(f"{turn}", ENDLESS)
                for _ in range((index * 7 + turn * 3) % 5):
                    await client.hear()
                if (index + turn) % 3 == 0:
                    client.drop()
                    return
                await client.tell("barge")
                await client.hear_end(f"{turn}")

    async with asyncio.timeout(3 * WAIT_S):
        await asyncio.gather(*(visitor(index) for index in range(CAP)))
    await assert_all_slots_free(seed)
