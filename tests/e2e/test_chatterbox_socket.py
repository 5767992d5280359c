"""The Chatterbox dialect on ``/v1/stream/tts`` over real sockets: synthesis, its errors, and its ends."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import httpx
import numpy as np
import pytest

from tests.e2e.conftest import Start
from tests.e2e.mixed import Heard, Mixed, floats, frames, mixed, words
from tests.e2e.probe import idle, metric, until
from tests.e2e.talk import RATE, WAIT_S, harmonics, peak_hz
from tests.fakes.server_process import ServerProcess

PATH = "/v1/stream/tts"
TOKEN = 960
"""Samples."""
CAP = 2
TEXT = "The first words are heard while the last ones are still being made."


@pytest.fixture(scope="module")
def server(start: Start) -> ServerProcess:
    """Few places, so that a leak shows; frames of ten tokens."""
    seed = {"MAX_CONCURRENT_JOBS": str(CAP), "MAX_QUEUED_REQUESTS": "0", "TTS_CHUNK_SIZE": "10"}
    return start(seed, tone={"x_realtime": 100}, models=("tone", "espeak"))


@pytest.fixture
async def client(server: ServerProcess) -> AsyncIterator[Mixed]:
    async with mixed(server, PATH) as link:
        yield link


async def say(client: Mixed, text: str, **fields: Any) -> Heard:
    """Ask and hear up to the end or an error."""
    await client.tell("synthesize", text=text, **fields)
    return await client.until_type("synthesis_complete", "error")


async def error_of(client: Mixed, **message: Any) -> dict[str, Any]:
    """The error that a message is answered with, alone."""
    await client.send(**message)
    (error,) = await client.until_type("error")
    assert isinstance(error, dict)
    return error


def tokens(heard: Heard) -> list[float]:
    """Lengths of the frames, in tokens."""
    return [len(frame) / 4 / TOKEN for frame in frames(heard)]


async def test_3_01_float_frames_and_then_the_counts(client: Mixed) -> None:
    heard = await say(client, TEXT, voice_id="default", exaggeration=0.5)
    (complete,) = words(heard)
    assert heard[-1] is complete and complete["type"] == "synthesis_complete"
    assert all(len(frame) % 4 == 0 for frame in frames(heard))
    sound = floats(b"".join(frames(heard)))
    assert len(sound) / RATE == pytest.approx(len(TEXT) * 0.065, abs=0.3)
    assert 0.05 < np.abs(sound).max() <= 1.0 and 195 < peak_hz(sound[:RATE]) < 1205
    metrics = complete["metrics"]
    assert complete["chunk_id"] == metrics["chunks"] == len(frames(heard))
    assert 0 < metrics["ttfb_ms"] <= metrics["total_ms"]
    assert metrics["rtf"] == pytest.approx(metrics["total_ms"] / 1000 / (len(sound) / RATE), rel=0.01)


async def test_3_02_streaming_is_many_frames_and_without_it_one(client: Mixed) -> None:
    many, one = await say(client, TEXT, streaming=True), await say(client, TEXT, streaming=False)
    assert len(frames(many)) > 10 and len(frames(one)) == 1 == words(one)[0]["chunk_id"]
    assert len(frames(one)[0]) == pytest.approx(len(b"".join(frames(many))), rel=0.01)


async def test_3_03_exaggeration_out_of_range_is_refused_and_told_where_no_model_takes_it(client: Mixed) -> None:
    for value in (-0.1, 2.1, "much", None):
        heard = await say(client, "Hello.", exaggeration=value)
        assert words(heard)[-1]["type"] == ("synthesis_complete" if value is None else "error"), value
    complete = words(await say(client, "Hello.", exaggeration=1.5, cfg_weight=0.3))[-1]
    assert complete["not_applied"] == ["exaggeration", "cfg_weight"]


async def test_3_07_an_unknown_voice_is_an_error_and_no_other_voice(client: Mixed) -> None:
    error = await error_of(client, type="synthesize", text="Hello.", voice_id="nobody", request_id="r")
    assert (error["code"], error["param"], error["request_id"]) == ("voice_not_found", "voice_id", "r")
    timbres = set[tuple[int, ...]]()
    for voice in ("sine", "deep"):
        timbres.add(harmonics(floats(b"".join(frames(await say(client, "{{long 1}}", voice_id=voice))))))
    assert len(timbres) == 2


async def test_3_13_frames_have_the_length_of_the_setting_or_of_the_request(client: Mixed) -> None:
    heard = tokens(await say(client, "{{long 4}}"))
    assert heard[:5] == [1, 1, 2, 4, 8] and set(heard[5:-1]) == {10}, "a short start, then TTS_CHUNK_SIZE"
    heard = tokens(await say(client, "{{long 4}}", chunk_size=5))
    assert heard[:4] == [1, 1, 2, 4] and set(heard[4:-1]) == {5}
    assert sum(heard) == pytest.approx(100, abs=1)


async def test_3_14_no_seam_is_heard_where_frames_meet(client: Mixed) -> None:
    heard = await say(client, "{{long 4}}", voice_id="sine")
    sound = floats(b"".join(frames(heard)))
    # A sine obeys x[n+1] + x[n-1] = 2 cos(w) x[n]; a click does not.
    middle = sound[2000:-2000]
    cosine = float(np.dot(middle[2:] + middle[:-2], middle[1:-1]) / (2 * np.dot(middle[1:-1], middle[1:-1])))
    strange = np.abs(middle[2:] + middle[:-2] - 2 * cosine * middle[1:-1])
    assert strange.max() < 1e-3


async def test_3_14_a_real_voice_is_as_smooth_at_the_edges_as_elsewhere(client: Mixed) -> None:
    heard = await say(client, TEXT * 3, model="espeak", chunk_size=3)
    sound = floats(b"".join(frames(heard)))
    jumps = np.abs(np.diff(sound))
    edges = np.cumsum([len(frame) // 4 for frame in frames(heard)])[:-1] - 1
    assert len(edges) > 50 and jumps[edges].max() <= np.sort(jumps)[-20], "no edge is among the steepest places"


async def test_3_15_empty_text_is_an_error_in_both_modes_and_the_socket_lives(client: Mixed) -> None:
    for streaming, text in itertools.product((True, False), ("", "  \n", "🙂")):
        error = await error_of(client, type="synthesize", text=text, streaming=streaming)
        assert error["code"] == "empty_text", text
    assert words(await say(client, "Still here."))[-1]["type"] == "synthesis_complete"


async def test_3_15_what_breaks_while_speaking_is_told_in_both_modes(client: Mixed) -> None:
    for streaming in (True, False):
        heard = await say(client, "{{long 1}} {{error}}", streaming=streaming, request_id=7)
        assert frames(heard), "what was made before is heard"
        error = words(heard)[-1]
        assert (error["type"], error["code"], error["request_id"]) == ("error", "model_failed", 7)
    assert words(await say(client, "Still here."))[-1]["type"] == "synthesis_complete"


async def test_3_16_a_minute_of_speech_is_complete_in_both_modes(client: Mixed) -> None:
    text = "One more sentence of this long text. " * 25
    for streaming in (True, False):
        sound = floats(b"".join(frames(await say(client, text, streaming=streaming))))
        assert len(sound) / RATE == pytest.approx(25 * 37 * 0.065, rel=0.05) and len(sound) / RATE > 55
        assert all(np.abs(part).max() > 0.05 for part in np.array_split(sound, 60)), "it sounds to the end"


async def test_requests_of_a_socket_run_in_order(client: Mixed) -> None:
    for name in ("a", "b", "c"):
        await client.tell("synthesize", text="Hello there.", request_id=name)
    heard: Heard = []
    for _ in range(3):
        heard += await client.until_type("synthesis_complete")
    assert [word["request_id"] for word in words(heard)] == ["a", "b", "c"]
    assert [word["chunk_id"] for word in words(heard)] == [
        len(list(group)) for binary, group in itertools.groupby(isinstance(m, bytes) for m in heard) if binary
    ]


async def test_a_cancel_stops_one_request_and_the_next_is_spoken(client: Mixed) -> None:
    await client.tell("synthesize", text="{{long 3000}}", request_id="endless")
    await client.tell("synthesize", text="Hello.", request_id="next")
    assert isinstance(await client.next(), bytes)
    await client.tell("cancel", request_id="endless")
    heard = await client.until_type("synthesis_complete")
    assert words(heard)[0]["canceled"] is True and words(heard)[0]["request_id"] == "endless"
    heard = await client.until_type("synthesis_complete")
    assert words(heard)[0]["request_id"] == "next" and "canceled" not in words(heard)[0]


async def test_close_ends_after_what_is_queued(client: Mixed) -> None:
    await client.tell("synthesize", text="Hello.")
    await client.tell("close")
    await client.until_type("synthesis_complete")
    assert await client.closed() == 1000


async def test_unknown_types_and_bad_json_are_told(client: Mixed) -> None:
    assert (await error_of(client, type="sing"))["code"] == "unknown_type"
    for message, code in (("{", "bad_json"), ("[]", "bad_json"), (b"\0\0", "unexpected_binary")):
        await client.link.send(message)
        (error,) = await client.until_type("error")
        assert isinstance(error, dict) and error["code"] == code
    assert words(await say(client, "Still here."))[-1]["type"] == "synthesis_complete"


async def test_a_disconnect_stops_the_model(server: ServerProcess) -> None:
    async with mixed(server, PATH) as client:
        await client.tell("synthesize", text="{{long 3000}}", streaming=False)
        await until(lambda: metric(server, "syrinx_running_jobs") == 1, "the model at work")
        client.drop()
    await idle(server)
    await until(lambda: metric(server, "syrinx_websockets") == 0, "the end of the socket")


async def test_a_full_server_says_so_and_recovers(server: ServerProcess) -> None:
    async with mixed(server, PATH) as one, mixed(server, PATH) as two, mixed(server, PATH) as third:
        for busy in (one, two):
            await busy.tell("synthesize", text="{{long 3000}}")
            await busy.next()
        assert (await error_of(third, type="synthesize", text="Hello."))["code"] == "overloaded"
    await idle(server)
    async with mixed(server, PATH) as again:
        assert words(await say(again, "Hello."))[-1]["type"] == "synthesis_complete"


async def test_3_10_the_metrics_as_json_count_what_was_said(server: ServerProcess, client: Mixed) -> None:
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=WAIT_S) as http:

        async def numbers() -> dict[str, Any]:
            return (await http.get("/metrics", headers={"accept": "application/json"})).json()

        before = await numbers()
        await asyncio.gather(say(client, "Hello."))
        await error_of(client, type="synthesize", text="{{error}}")
        after = await numbers()
    assert after["requests_processed"] == before["requests_processed"] + 1
    assert after["errors"] == before["errors"] + 1
    assert after["active_connections"] == 1 and after["avg_first_chunk"] > 0
