"""The process: what it refuses to start as, what it says, and how it ends."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from syrinx.config import Settings
from syrinx.core.errors import ConfigError
from syrinx.server.run import SAME_SIGNAL_S, bind, check_exposure
from tests.fakes.live import WAIT_S

ROOT = Path(__file__).parents[2]
KEY = {"x-api-key": "sesame"}


@asynccontextmanager
async def process(data_dir: Path) -> AsyncIterator[tuple[Process, str]]:
    """A server process and the URL it said it listens on."""
    command = [sys.executable, "-m", "tests.fakes.serve_fake", str(data_dir)]
    running = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=PIPE, stderr=PIPE)
    assert running.stdout is not None
    try:
        async with asyncio.timeout(WAIT_S * 3):
            line = (await running.stdout.readline()).decode()
            assert line.startswith("Syrinx is listening on http://127.0.0.1:")
            assert (await running.stdout.readline()).decode() == "Syrinx is ready: fake (as asked)\n"
        yield running, line.split()[-1]
    finally:
        if running.returncode is None:
            running.kill()
        await running.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_an_idle_server_with_success(tmp_path: Path, number: signal.Signals):
    async with process(tmp_path) as (running, url), httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(url + "/healthz")).json() == {"ok": True}
        running.send_signal(number)
        async with asyncio.timeout(WAIT_S):
            _, errors = await running.communicate()
        assert running.returncode == 0
    lines = [json.loads(line) for line in errors.decode().splitlines()]
    assert [line["event"] for line in lines] == ["request", "stopped"]
    assert lines[0]["request_id"].startswith("req_") and lines[0]["level"] == "info"


async def test_sigterm_lets_running_speech_go_on_and_a_second_one_ends_it(tmp_path: Path):
    body = {"input": "{{endless}}", "response_format": "pcm"}
    async with process(tmp_path) as (running, url), httpx.AsyncClient(trust_env=False, headers=KEY) as http:
        async with http.stream("POST", url + "/v1/audio/speech", json=body) as response:
            pieces = response.aiter_bytes()
            await anext(pieces)
            running.send_signal(signal.SIGTERM)
            async with asyncio.timeout(WAIT_S):
                while (await http.get(url + "/readyz")).status_code != 503:
                    await anext(pieces)
            assert await anext(pieces)
            with pytest.raises(httpx.TransportError):
                async with asyncio.timeout(WAIT_S):
                    await _signal_again(running, pieces)
        async with asyncio.timeout(WAIT_S):
            _, errors = await running.communicate()
        assert running.returncode == 0 and b"Traceback" not in errors


async def _signal_again(running: Process, pieces: AsyncIterator[bytes]) -> None:
    """Listen until a signal counts as another one, send it, and listen to the end."""
    began = time.monotonic()
    while time.monotonic() - began <= SAME_SIGNAL_S:
        await anext(pieces)
    running.send_signal(signal.SIGTERM)
    async for _ in pieces:
        pass


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.1", "example.org"])
def test_listening_beyond_loopback_needs_a_key(host: str):
    with pytest.raises(ConfigError, match="SYRINX_API_KEY"):
        check_exposure(Settings(host=host))
    check_exposure(Settings(host=host, api_key="sesame"))


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_loopback_needs_none(host: str):
    check_exposure(Settings(host=host))


def test_a_port_in_use_is_a_clear_error():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(ConfigError, match="Cannot listen on"):
            bind("127.0.0.1", taken.getsockname()[1])


def test_an_address_that_is_not_ours_is_a_clear_error():
    with pytest.raises(ConfigError, match="Cannot listen on"):
        bind("no such host", 0)
