"""The pump over real WebSockets, with a fake engine."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest
from structlog.testing import capture_logs
from websockets.asyncio.client import ClientConnection

from tests.fakes.engine import PIECE
from tests.fakes.live import WAIT_S, Live, close_code, hang_up, live, until


async def tell(socket: ClientConnection, kind: str, **fields: Any) -> None:
    await socket.send(json.dumps({"type": kind, **fields}))


async def hear(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(WAIT_S):
        return json.loads(await socket.recv())


async def hear_end(socket: ClientConnection, response: str) -> list[dict[str, Any]]:
    """Everything up to the end of that response."""
    heard = [await hear(socket)]
    while not (heard[-1]["type"] in ENDS and heard[-1].get("response") == response):
        heard.append(await hear(socket))
    return heard


ENDS = ("response.completed", "response.canceled", "response.error")


def kinds(heard: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in heard]


async def test_1_03_create_delta_completed_with_audio_that_decodes():
    async with live(prime_stream=False) as server, server.socket() as socket:
        await tell(socket, "response.create", response_id="a", input="Hello.")
        heard = await hear_end(socket, "a")
    assert kinds(heard) == ["created", "output_audio.delta", "completed"]
    assert base64.b64decode(heard[1]["delta"]) == PIECE
    assert heard[2]["total_samples"] == 960 and heard[2]["duration_s"] == 0.04


async def test_1_25_the_primer_of_the_settings_comes_first():
    async with live(prime_bytes=64) as server, server.socket() as socket:
        await tell(socket, "response.create", response_id="a", input="Hello.")
        heard = await hear_end(socket, "a")
    assert base64.b64decode(heard[1]["delta"]) == bytes(64)
    assert heard[-1]["total_samples"] == 960


async def test_1_02_the_update_is_answered_before_what_was_asked_after_it():
    async with live() as server, server.socket() as socket:
        await tell(socket, "session.update", session={"voice": "male"})
        await tell(socket, "response.create", response_id="a", input="Hello.")
        assert (await hear(socket))["type"] == "session.updated"
        await hear_end(socket, "a")


async def test_1_09_cancel_stops_a_response_that_would_never_end():
    async with live() as server, server.socket() as socket:
        await tell(socket, "response.create", response_id="a", input="{{endless}}")
        for _ in range(10):
            await hear(socket)
        await tell(socket, "response.cancel", response="a")
        assert kinds(await hear_end(socket, "a"))[-1] == "canceled"
        await tell(socket, "response.create", response_id="b", input="Next.")
        assert kinds(await hear_end(socket, "b"))[0] == "created", "no audio of the first comes after its end"


async def test_1_10_a_cancel_concerns_its_own_connection_only():
    async with live() as server, server.socket() as mine, server.socket() as other:
        await tell(mine, "response.create", response_id="same", input="{{hold}}")
        await hear(mine)
        await tell(other, "response.create", response_id="same", input="{{hold}}")
        await hear(other)
        await tell(other, "response.cancel", response="same")
        await hear_end(other, "same")
        assert server.engine.sessions[0].live


async def test_1_11_a_dropped_connection_cancels_its_speech_and_harms_no_one():
    async with live() as server, server.socket() as other:
        socket = await server.socket()
        await tell(socket, "response.create", response_id="a", input="{{endless}}")
        await hear(socket)
        await hang_up(socket)
        await until(lambda: server.engine.sessions[1].closed)
        await tell(other, "response.create", response_id="b", input="Hello.")
        assert kinds(await hear_end(other, "b"))[-1] == "completed"


async def test_1_13_pieces_are_heard_before_the_commit_and_completed_once():
    async with live(prime_stream=False) as server, server.socket() as socket:
        await tell(socket, "input.append", text="Hel")
        assert [(await hear(socket))["type"] for _ in range(2)] == ["response.created", "response.output_audio.delta"]
        await tell(socket, "input.append", text="lo.")
        await tell(socket, "input.commit")
        assert [(await hear(socket))["type"] for _ in range(2)] == ["response.output_audio.delta", "response.completed"]


async def test_1_14_barge_ends_everything_once():
    async with live(prime_stream=False) as server, server.socket() as socket:
        await tell(socket, "response.create", response_id="a", input="{{hold}}")
        await tell(socket, "response.create", response_id="b", input="Queued.")
        assert [(await hear(socket))["type"] for _ in range(2)] == ["response.created", "response.output_audio.delta"]
        await tell(socket, "barge")
        ends = [await hear(socket), await hear(socket)]
        assert {(event["type"], event["response"]) for event in ends} == {
            ("response.canceled", "a"),
            ("response.canceled", "b"),
        }


async def test_1_15_session_end_finishes_what_is_queued_and_closes_with_1000():
    async with live() as server, server.socket() as socket:
        for name in ("a", "b"):
            await tell(socket, "response.create", response_id=name, input="Hello.")
        await tell(socket, "session.end")
        assert kinds(await hear_end(socket, "b"))[-1] == "completed"
        assert (await close_code(socket))[0] == 1000


async def test_1_16_twenty_pipelined_responses_complete_in_order():
    async with live(prime_stream=False) as server, server.socket() as socket:
        for index in range(20):
            await tell(socket, "response.create", response_id=str(index), input="Hello.")
        heard = await hear_end(socket, "19")
    completed = [event["response"] for event in heard if event["type"] == "response.completed"]
    assert completed == [str(index) for index in range(20)]


@pytest.mark.parametrize(
    ("message", "code"),
    [("{", "bad_json"), (b"\x00", "unexpected_binary"), ('{"type":"x"}', "unknown_type"), ("[" * 90_000, "bad_json")],
)
async def test_1_17_a_bad_message_is_answered_and_the_socket_stays_usable(message: str | bytes, code: str):
    async with live() as server, server.socket() as socket:
        await socket.send(message)
        assert (await hear(socket))["code"] == code
        await tell(socket, "response.create", response_id="a", input="Hello.")
        assert kinds(await hear_end(socket, "a"))[-1] == "completed"


async def test_a_long_message_is_parsed_beside_running_speech():
    async with live(max_utterance_words=5) as server, server.socket() as socket:
        await tell(socket, "response.create", response_id="a", input="{{endless}}")
        await hear(socket)
        await tell(socket, "response.create", response_id="b", input="word " * 30_000)
        refused = await hear_end(socket, "b")
        assert refused[-1]["code"] == "too_long" and refused[-1]["got_words"] == 30_000


async def test_a_message_past_the_bound_closes_with_1009():
    async with live(max_message_bytes=1000) as server, server.socket() as socket:
        await socket.send("x" * 1001)
        assert (await close_code(socket))[0] == 1009
        await until(lambda: server.engine.sessions[0].closed)


async def test_1_26_a_reader_that_stops_is_dropped_and_its_slot_freed():
    async with live(ws_send_timeout=0.2, max_connections=1) as server:
        socket = await server.socket(max_queue=1)
        await tell(socket, "response.create", response_id="a", input="{{endless}}")
        await until(lambda: server.engine.sessions[0].closed)
        await until(lambda: not server.server.server_state.connections)
        async with server.socket() as next_one:
            await tell(next_one, "response.create", response_id="b", input="Hello.")
            assert kinds(await hear_end(next_one, "b"))[-1] == "completed"
        await hang_up(socket)


async def test_1_12_a_reader_that_stops_does_not_slow_others():
    async with live(ws_send_timeout=WAIT_S) as server:
        stalled = await server.socket(max_queue=1)
        await tell(stalled, "response.create", response_id="a", input="{{endless}}")
        async with server.socket() as other:
            await tell(other, "response.create", response_id="b", input="Hello.")
            assert kinds(await hear_end(other, "b"))[-1] == "completed"
        assert not server.engine.sessions[0].closed
        await hang_up(stalled)


async def test_a_client_that_floods_and_never_reads_is_dropped():
    async with live(ws_send_timeout=0.2) as server:
        socket = await server.socket(max_queue=1)
        flood = asyncio.create_task(_flood(socket))
        await until(lambda: server.engine.sessions[0].closed)
        flood.cancel()
        await asyncio.gather(flood, return_exceptions=True)
        await hang_up(socket)


async def _flood(socket: ClientConnection) -> None:
    while True:
        await socket.send('{"type":"' + "x" * 5000 + '"}')


async def test_the_connection_cap_refuses_with_1013_and_never_leaks():
    async with live(max_connections=2) as server:
        for _ in range(10):
            async with server.socket() as one, server.socket() as two:
                third = await server.socket()
                assert (await close_code(third))[0] == 1013
                assert one.close_code is None and two.close_code is None
            await until(lambda: all(session.closed for session in server.engine.sessions))


async def test_an_unknown_path_is_told_after_accepting():
    async with live() as server:
        code, reason = await close_code(await server.socket("/v1/nowhere"))
        assert code == 1008 and reason is not None and "no WebSocket" in reason


async def test_a_bug_is_logged_and_closes_with_1011():
    with capture_logs() as lines:
        async with live(prime_stream=False) as server, server.socket() as socket:
            await tell(socket, "response.create", response_id="a", input="{{bug}}")
            assert [(await hear(socket))["type"] for _ in range(2)] == [
                "response.created",
                "response.output_audio.delta",
            ]
            assert (await close_code(socket))[0] == 1011
            await until(lambda: server.engine.sessions[0].closed)
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["socket_failed"]


async def test_a_shutdown_closes_idle_sockets_as_going_away():
    async with live() as server:
        socket = await server.socket()
        await until(lambda: server.engine.sessions)
        server.server.should_exit = True
        assert (await close_code(socket))[0] == 1001


async def test_while_draining_new_sockets_are_sent_away_with_1013():
    async with live() as server:
        server.engine.draining = True
        assert (await close_code(await server.socket()))[0] == 1013


async def test_the_options_of_a_session_follow_the_settings():
    async with live(
        stream_chunk_seconds=0.1, ws_flush_every=3, flush_idle_ms=0, ws_max_latency_ms=20, max_pending_per_connection=7
    ) as server:
        options = await _options(server)
    assert options.framing is not None
    assert (options.framing.chunk_s, options.framing.flush_every) == (0.1, 3)
    assert (options.idle_flush_s, options.max_latency_s, options.max_pending) == (None, 0.02, 7)
    assert options.protocol == "realtime" and options.owner == "127.0.0.1"


async def _options(server: Live) -> Any:
    async with server.socket():
        await until(lambda: server.engine.sessions)
        return server.engine.sessions[0].options
