"""vLLM's engine dies under a real server: its worker ends with it, who was listening is told, another worker speaks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import httpx
import psutil
import pytest

from tests.e2e.probe import health, until, workers
from tests.e2e.talk import ENDS, Event, Talk, talk
from tests.fakes.server_process import ServerProcess

from .serving import OPTIONS, READY_S, TEXT, first_sound, server_of

(MODEL,) = OPTIONS


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The first it sends is the model's own sound: who heard only silence would be given another worker's."""
    with server_of(tmp_path_factory.mktemp("engine"), (MODEL,), OPTIONS, prime_stream=False) as running:
        yield running


def engine(server: ServerProcess) -> psutil.Process:
    """The process that computes, by the name that vLLM gives it."""
    (found,) = [process for process in workers(server) if "EngineCore" in " ".join(process.cmdline())]
    return found


def kill_engine(server: ServerProcess) -> list[psutil.Process]:
    """Returns it, what it started, and the worker that it belongs to."""
    core = engine(server)
    worker = core.parent()
    assert worker is not None and worker.pid != server.pid
    family = [core, worker, *core.children(recursive=True)]
    core.kill()
    return family


async def told_end(client: Talk, response_id: str) -> Event:
    """How it ended; a process whose libraries are these takes its time to go."""
    async with asyncio.timeout(READY_S):
        heard: Event = {}
        while not (heard.get("response") == response_id and heard["type"] in ENDS):
            heard = json.loads(await client.link.recv())
        return heard


async def until_ready(server: ServerProcess, restarts: int) -> None:
    """Wait for the worker that comes after so many deaths."""

    def ready() -> bool:
        (model,) = health(server)["models"]
        return model["restarts"] == restarts and model["state"] == "ready"

    await until(ready, "another worker", READY_S)


async def test_an_engine_killed_in_mid_speech_ends_that_with_the_reason_and_the_next_worker_speaks(
    server: ServerProcess,
) -> None:
    before = health(server)["models"][0]["restarts"]
    async with talk(server) as client:
        await first_sound(client, "long", MODEL, TEXT * 20)
        dead = kill_engine(server)
        told = await told_end(client, "long")
        assert told["type"] == "response.error" and told["code"] == "stream_error"
        assert "lost in mid-speech" in told["message"]
        await until_ready(server, before + 1)
        assert psutil.wait_procs(dead, READY_S)[1] == [], "nothing of the dead worker is left"
        await first_sound(client, "again", MODEL)
        await client.tell("response.cancel", response_id="again")
        await client.hear_end("again")


async def test_what_is_asked_of_an_engine_that_died_in_silence_is_spoken_by_the_next_worker(
    server: ServerProcess,
) -> None:
    before = health(server)["models"][0]["restarts"]
    psutil.wait_procs(kill_engine(server)[:1], READY_S)
    body = {"model": MODEL, "input": TEXT, "response_format": "pcm"}
    async with (
        httpx.AsyncClient(base_url=server.url, timeout=READY_S, trust_env=False) as http,
        http.stream("POST", "/v1/audio/speech", json=body) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        assert await anext(answer.aiter_bytes())
    await until_ready(server, before + 1)
