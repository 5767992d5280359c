"""What breaks inside, seen from outside: a listener is told or never notices, nobody hangs, and the server goes on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Iterator

import httpx
import numpy as np
import psutil
import pytest

from tests.e2e.probe import health, idle, metric, until, workers
from tests.e2e.talk import DELTA, ENDS, RATE, WAIT_S, Event, Talk, audio, kinds, peak_hz, samples, talk
from tests.fakes.server_process import ServerPool, ServerProcess

SLOW_S = 60.0
"""Longest wait where a process has to be started again."""
NO_PRIMER = {"PRIME_STREAM": "0"}
TEXT = "These are some words that last a while, so that something can happen meanwhile. {{long 4}} And some more."


@pytest.fixture
def served(servers: ServerPool) -> Iterator[ServerProcess]:
    """A server of each test's own: what breaks in one counts against the next restart. A step may take a second."""
    with servers.fresh(("tone",), NO_PRIMER, step_timeout_s=1.0, model_options={"tone": {"x_realtime": 4}}) as server:
        yield server


async def hear_patiently(client: Talk, response_id: str) -> list[Event]:
    async with asyncio.timeout(SLOW_S):
        heard: list[Event] = []
        while not (heard and heard[-1].get("response") == response_id and heard[-1]["type"] in ENDS):
            heard.append(json.loads(await client.link.recv()))
        return heard


def worker(server: ServerProcess) -> psutil.Process:
    """The process that owns the model."""
    (process,) = [child for child in workers(server) if "syrinx" in " ".join(child.cmdline())]
    return process


def assert_unbroken(heard: list[Event], expected_s: float) -> None:
    """Every sample once: the length is exact, and the one tone of the utterance never jumps."""
    sound = samples(audio(heard))
    assert heard[-1]["type"] == "response.completed", heard[-1]
    assert len(sound) == heard[-1]["total_samples"] == pytest.approx(expected_s * RATE, abs=2)
    hertz = peak_hz(sound)
    steepest = 0.3 * 2 * np.pi * hertz / RATE
    assert np.abs(np.diff(sound)).max() < 1.1 * steepest + 0.01, "a lost or doubled sample would jump"


async def reference_s(server: ServerProcess) -> float:
    """Seconds of ``TEXT`` where nothing breaks."""
    async with talk(server) as client:
        return (await hear_patiently_after(client, "reference", TEXT))[-1]["duration_s"]


async def hear_patiently_after(client: Talk, name: str, text: str) -> list[Event]:
    await client.create(name, text)
    return await hear_patiently(client, name)


async def test_a_crash_in_one_stream_leaves_five_others_whole(served: ServerProcess) -> None:
    expected_s = await reference_s(served)
    async with contextlib.AsyncExitStack() as stack:
        others = [await stack.enter_async_context(talk(served)) for _ in range(5)]
        crashing = await stack.enter_async_context(talk(served))
        for client in others:
            await client.create("whole", TEXT)
        await crashing.create("crash", "{{long 2}} {{crash}} Never said.")
        told, *whole = await asyncio.gather(
            hear_patiently(crashing, "crash"), *(hear_patiently(client, "whole") for client in others)
        )
    assert told[-1]["code"] == "stream_error" and told[-1]["message"]
    for heard in whole:
        assert_unbroken(heard, expected_s)
    assert metric(served, "syrinx_worker_restarts_total") >= 1
    async with talk(served) as client:
        assert kinds(await hear_patiently_after(client, "after", "Still here."))[-1] == "completed"


async def test_an_error_ends_its_own_stream_only(served: ServerProcess) -> None:
    expected_s = await reference_s(served)
    pid = worker(served).pid
    async with talk(served) as good, talk(served) as bad:
        await good.create("whole", TEXT)
        heard = await hear_patiently_after(bad, "bad", "{{long 1}} {{error}}")
        assert heard[-1]["code"] == "stream_error"
        assert 0.5 < len(audio(heard)) / 2 / RATE < 1.1, "most of what was made before it is heard"
        assert_unbroken(await hear_patiently(good, "whole"), expected_s)
        assert kinds(await hear_patiently_after(bad, "next", "Hello."))[-1] == "completed"
    assert worker(served).pid == pid, "the model itself lives on"


async def test_a_stall_beyond_the_step_timeout_ends_the_worker_and_tells_who_stalled(served: ServerProcess) -> None:
    async with talk(served) as good, talk(served) as bad:
        await good.create("whole", TEXT)
        await good.hear_first(DELTA)
        await bad.create("stalls", "{{long 0.5}} {{stall 600}} Never said.")
        told, heard = await asyncio.gather(hear_patiently(bad, "stalls"), hear_patiently(good, "whole"))
    assert told[-1]["code"] == "stream_error"
    assert heard[-1]["type"] == "response.completed"
    assert metric(served, "syrinx_worker_restarts_total") >= 1


async def test_a_runaway_ends_with_an_error_within_its_budget(served: ServerProcess) -> None:
    async with talk(served) as client:
        heard = await hear_patiently_after(client, "a", "{{runaway}}")
    assert heard[-1]["code"] == "stream_error"
    assert 1 < len(audio(heard)) / 2 / RATE < 15
    await idle(served)


async def test_a_runaway_over_http_breaks_off_and_does_not_look_whole(served: ServerProcess) -> None:
    async with httpx.AsyncClient(base_url=served.url, trust_env=False, timeout=SLOW_S) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.post("/v1/audio/speech", json={"input": "{{runaway}}", "response_format": "pcm"})
    await idle(served)


async def test_a_killed_worker_is_replaced_and_a_repeatable_model_goes_on(served: ServerProcess) -> None:
    expected_s = await reference_s(served)
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(talk(served)) for _ in range(6)]
        for client in clients:
            await client.create("whole", TEXT)
        await clients[0].hear_first("response.created")
        first = worker(served)
        await until(lambda: metric(served, "syrinx_running_jobs") >= 6, "all of them at work")
        first.kill()
        rest = await asyncio.gather(*(hear_patiently(client, "whole") for client in clients))
    for heard in rest:
        assert heard[-1]["type"] == "response.completed"
        assert heard[-1]["duration_s"] == pytest.approx(expected_s, abs=0.001)
    assert worker(served).pid != first.pid


async def test_where_a_model_cannot_repeat_itself_only_the_heard_are_told(servers: ServerPool) -> None:
    """espeak makes 2 s ahead and then waits for the listener, in the middle of a piece of 20 s: so it dies in what is
    being heard, however slow the machine is."""
    settings = {"max_utterance_words": 0, "max_lead_s": 2}
    with servers.fresh(("espeak",), {"MAX_CONCURRENT_JOBS": "6", **NO_PRIMER}, **settings) as server:
        async with talk(server) as heard_one, talk(server) as unheard_one:
            await heard_one.create("heard", "banana " * 700)
            await heard_one.hear_first(DELTA)
            process = worker(server)
            process.kill()
            await unheard_one.create("unheard", "Nobody has heard anything of this.")
            told, whole = await asyncio.gather(
                hear_patiently(heard_one, "heard"), hear_patiently(unheard_one, "unheard")
            )
            assert told[-1]["code"] == "stream_error" and "lost" in told[-1]["message"]
            assert whole[-1]["type"] == "response.completed" and len(audio(whole)) > RATE
            again = await hear_patiently_after(heard_one, "again", "And on it goes.")
            assert again[-1]["type"] == "response.completed"


async def test_a_frozen_worker_is_noticed_and_replaced(served: ServerProcess) -> None:
    frozen = worker(served)
    async with talk(served) as client:
        await client.create("a", TEXT)
        await client.hear_first(DELTA)
        frozen.suspend()
        heard = await hear_patiently(client, "a")
    assert heard[-1]["type"] == "response.completed"
    assert worker(served).pid != frozen.pid and not frozen.is_running()


async def test_restarts_wait_longer_and_health_counts_them(served: ServerProcess) -> None:
    for deaths in (1, 2, 3):
        (before,) = health(served)["models"]
        assert before["state"] == "ready"
        worker(served).kill()
        await until(
            lambda deaths=deaths: health(served)["models"][0]["restarts"] == deaths, "the death in /health", SLOW_S
        )
        await until(lambda: health(served)["models"][0]["state"] == "ready", "a new worker", SLOW_S)
    async with talk(served) as client:
        assert kinds(await hear_patiently_after(client, "a", "Hello."))[-1] == "completed"


async def test_a_model_that_cannot_load_is_told_by_readyz_and_by_every_request(servers: ServerPool) -> None:
    server = servers.fresh(("tone",), model_options={"tone": {"load_s": 600}}, load_timeout_s=0.5)
    starting = asyncio.create_task(asyncio.to_thread(server.start))
    try:
        async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=WAIT_S) as http:

            async def detail() -> str:
                with contextlib.suppress(httpx.TransportError):
                    return (await http.get("/readyz")).json()["detail"]
                return ""

            async with asyncio.timeout(SLOW_S):
                while "failed" not in await detail():
                    await asyncio.sleep(0.05)
            assert (await http.get("/healthz")).status_code == 200
            answer = await http.post("/v1/audio/speech", json={"input": "Hello."})
            assert answer.status_code == 503 and answer.json()["error"]["code"] == "model_not_ready"
        async with talk(server) as client:
            (refused,) = await client.say("a", "Hello.")
            assert refused["code"] == "not_ready"
    finally:
        server.stop()
        await asyncio.gather(starting, return_exceptions=True)


# --- the end of the server -------------------------------------------------------------------------------------------


async def test_sigterm_lets_running_speech_end_and_refuses_new(servers: ServerPool) -> None:
    server = servers.fresh(("tone",), NO_PRIMER, model_options={"tone": {"x_realtime": 4}}).start()
    try:
        process = psutil.Process(server.pid)
        family = [process, *workers(server)]
        body = {"input": "{{long 8}}", "response_format": "pcm"}
        async with (
            httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=SLOW_S) as http,
            talk(server) as client,
        ):
            await client.create("a", "{{long 8}}")
            await client.hear_first(DELTA)
            async with http.stream("POST", "/v1/audio/speech", json=body) as answer:
                pieces = answer.aiter_bytes()
                size = len(await anext(pieces))
                process.send_signal(signal.SIGTERM)
                async with httpx.AsyncClient(base_url=server.url, trust_env=False) as other:
                    async with asyncio.timeout(WAIT_S):
                        while (await other.get("/readyz")).status_code == 200:
                            await asyncio.sleep(0.02)
                    assert (await other.post("/v1/audio/speech", json=body)).status_code == 503
                size += sum([len(piece) async for piece in pieces])
            assert size == 8 * RATE * 2, "all of it, to the last sample"
            heard = await client.hear_end("a")
            assert heard[-1]["type"] == "response.completed"
            assert await client.closed() == 1001
        assert await asyncio.to_thread(server.stop) == 0
        assert_gone(family)
    finally:
        server.stop(signal.SIGKILL)


@pytest.mark.parametrize("at_work", [False, True])
async def test_sigkill_of_the_server_leaves_no_worker(servers: ServerPool, at_work: bool) -> None:
    server = servers.fresh(("tone", "espeak"), model_options={"tone": {"x_realtime": 4}}).start()
    family = workers(server)
    assert len(family) >= 2
    async with talk(server) as client:
        if at_work:
            await client.create("a", "{{long 600}}")
            await client.hear_first(DELTA)
        assert await asyncio.to_thread(server.stop, signal.SIGKILL) == -signal.SIGKILL
        await asyncio.to_thread(assert_gone, family)


def assert_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=WAIT_S)
    alive = [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
    for process in alive:
        process.kill()
    assert not alive, "they outlived their server"
