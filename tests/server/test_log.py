"""Logs: one JSON line each, with the request's id and without its key."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from syrinx.server.log import redact, redact_query
from tests.fakes.live import close_code, hang_up, live, until


async def test_every_request_is_logged_without_its_key():
    with capture_logs() as lines:
        async with live(api_key="sesame") as server:
            await server.http.get("/metrics?api_key=sesame&x=1")
            await close_code(await server.socket("/v1/audio/speech/stream/ws?api_key=wrong"))
            await until(lambda: len([line for line in lines if line["event"] == "request"]) == 2)
    http, socket = [line for line in lines if line["event"] == "request"]
    assert (http["method"], http["path"], http["status"], http["query"]) == (
        "GET",
        "/metrics",
        200,
        "api_key=***&x=1",
    )
    assert (socket["method"], socket["status"], socket["query"]) == ("WEBSOCKET", 1008, "api_key=***")
    assert "sesame" not in str(lines)


async def test_1_26_a_dropped_reader_is_logged():
    with capture_logs() as lines:
        async with live(ws_send_timeout=0.1) as server:
            socket = await server.socket(max_queue=1)
            await socket.send('{"type":"response.create","input":"{{endless}}"}')
            await until(lambda: any(line["event"] == "slow_reader_dropped" for line in lines))
            await hang_up(socket)


async def test_1_26_a_slow_send_is_logged():
    with capture_logs() as lines:
        async with live(ws_long_send_log_ms=20) as server:
            socket = await server.socket(max_queue=1)
            await socket.send('{"type":"response.create","input":"{{endless}}"}')
            await until(lambda: server.engine.sessions and server.engine.sessions[0].live)
            async with asyncio.timeout(10):
                while not any(line["event"] == "slow_send" for line in lines):
                    await asyncio.sleep(0.05)
                    await socket.recv()
            await hang_up(socket)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a=1&api_key=s3cret&b=2", "a=1&api_key=***&b=2"),
        ("API_KEY=x", "API_KEY=***"),
        ("GET /x?xi_api_key=abc HTTP", "GET /x?xi_api_key=*** HTTP"),
        ("nothing", "nothing"),
    ],
)
def test_keys_in_text_are_hidden(text: str, shown: str):
    assert redact(text) == shown


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("api%5Fkey=sesame&x=1", "api%5Fkey=***&x=1"),
        ("api_key=open'sesame", "api_key=***"),
        ('x=1&API_KEY=open"sesame=2', "x=1&API_KEY=***"),
        ("a=%26api_key&b", "a=%26api_key&b"),
        ("api_key=&x", "api_key=&x"),
        ("", ""),
    ],
)
def test_a_key_in_a_query_is_hidden_however_it_is_written(query: str, shown: str):
    """The server would take each of these for a key, so none may be read in its log."""
    assert redact_query(query) == shown
