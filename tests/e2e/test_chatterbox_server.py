"""The Chatterbox dialect's server side: the cap on connections, start modes, and an orderly end."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack

import httpx
import numpy as np
import pytest

from tests.e2e.conftest import Start
from tests.e2e.mixed import Mixed, floats, frames, mixed, words
from tests.e2e.probe import idle, metric, until
from tests.e2e.talk import RATE, WAIT_S
from tests.fakes.server_process import ServerPool, ServerProcess

PATH = "/v1/stream/tts"
CONNECTIONS = 50
TEXT = "Well now, one two three four. Five six seven eight. Nine ten eleven twelve. Thirteen. " * 8


@pytest.fixture(scope="module")
def capped(start: Start) -> ServerProcess:
    return start({"TTS_MAX_CONNECTIONS": str(CONNECTIONS)}, tone={"x_realtime": 100})


async def speaks(client: Mixed) -> bool:
    await client.tell("synthesize", text="Hello.")
    return words(await client.until_type("synthesis_complete", "error"))[-1]["type"] == "synthesis_complete"


async def none_open(server: ServerProcess) -> None:
    await until(lambda: metric(server, "syrinx_websockets") == 0, "the end of every socket")


async def test_3_11_sixty_connections_one_after_the_other_at_a_limit_of_fifty(capped: ServerProcess) -> None:
    for _ in range(60):
        async with mixed(capped, PATH):
            pass  # idle when it leaves: there the first service never gave the place back
    await none_open(capped)
    async with mixed(capped, PATH) as client:
        assert await speaks(client)


async def test_3_11_abrupt_drops_in_mid_stream_and_refused_requests_lose_no_place(capped: ServerProcess) -> None:
    for _ in range(5):
        async with mixed(capped, PATH) as client:
            await client.tell("synthesize", text="{{long 3000}}")
            assert isinstance(await client.next(), bytes)
            client.drop()
    async with mixed(capped, PATH) as client:
        for _ in range(20):
            await client.tell("synthesize", text="Hello.", voice_id="nobody")
            assert words(await client.until_type("error"))
    await idle(capped)
    await none_open(capped)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(mixed(capped, PATH)) for _ in range(CONNECTIONS)]
        assert all(await asyncio.gather(*map(speaks, clients)))


async def test_3_11_one_more_than_the_limit_is_told_1008_and_the_next_after_one_left_is_served(
    capped: ServerProcess,
) -> None:
    await none_open(capped)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(mixed(capped, PATH)) for _ in range(CONNECTIONS)]
        async with mixed(capped, PATH) as late:
            assert await late.closed() == 1008
        async with httpx.AsyncClient(base_url=capped.url, trust_env=False, timeout=WAIT_S) as http:
            assert (await http.get("/health")).json()["active_connections"] == CONNECTIONS
        clients[0].drop()
        await until(lambda: metric(capped, "syrinx_websockets") == CONNECTIONS - 1, "a free place")
        async with mixed(capped, PATH) as next_one:
            assert await speaks(next_one)


async def test_3_12_the_throughput_profile_sends_full_frames_of_the_same_speech(
    start: Start, capped: ServerProcess
) -> None:
    batch = start(tone={"x_realtime": 100}, profile="throughput")
    heard = {}
    for name, server in (("streaming", capped), ("batch", batch)):
        async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=WAIT_S) as http:
            assert (await http.get("/health")).json()["mode"] == name
        async with mixed(server, PATH) as client:
            await client.tell("synthesize", text=TEXT)
            heard[name] = frames(await client.until_type("synthesis_complete"))
    first = {name: len(found[0]) / 4 / 960 for name, found in heard.items()}
    assert first == {"streaming": 1, "batch": 25}, "the first sound comes at once, or with the first full frame"
    assert len(heard["batch"]) < len(heard["streaming"])
    lengths = [len(b"".join(found)) for found in heard.values()]
    assert lengths[0] == pytest.approx(lengths[1], rel=0.05)


async def test_3_17_sigterm_in_mid_stream_lets_the_speech_end_and_the_process_exit(servers: ServerPool) -> None:
    with servers.fresh(("tone",), model_options={"tone": {"x_realtime": 4}}, drain_timeout_s=60) as server:
        async with mixed(server, PATH) as client:
            await client.tell("synthesize", text="{{long 8}}")
            heard = [await client.next()]
            stopping = asyncio.create_task(asyncio.to_thread(server.stop, signal.SIGTERM))
            heard += await client.until_type("synthesis_complete", "error")
            assert await client.closed() == 1001
        assert await stopping == 0
    sound = floats(b"".join(frames(heard)))
    assert words(heard)[-1]["type"] == "synthesis_complete" and len(sound) == pytest.approx(8 * RATE, rel=0.01)
    assert np.abs(sound[-RATE // 2 :]).max() > 0.05
