"""How text is cut and audio framed by the founding server's variables; keys; stalled readers (1-01, 1-23 to 1-26)."""

from __future__ import annotations

import asyncio

import httpx
import psutil
import pytest
from websockets.exceptions import ConnectionClosed

from tests.e2e.conftest import Start
from tests.e2e.probe import idle, log_events, running, until, workers
from tests.e2e.talk import DELTA, PATH, RATE, Event, audio, kinds, stalled, talk
from tests.fakes.server_process import ServerProcess

BROKEN = "{{nonsense}}"
"""Refused by the model when the segment it stands in begins: what was heard before is the segments before."""
PACE_S = 0.065
"""Seconds a character of tone."""


@pytest.fixture(scope="module")
def at_boundaries(start: Start) -> ServerProcess:
    seed = {
        "FIRST_SEGMENT_MAX_WORDS": "2",
        "FIRST_SEGMENT_BOUNDARIES": ",;",
        "FIRST_SEGMENT_REQUIRE_BOUNDARY": "1",
        "STREAM_CHUNK_SECONDS": "0.1",
        "WS_FIRST_CHUNK_IMMEDIATE": "1",
        "WS_BUFFER_BYTES": "9600",
        "WS_FLUSH_EVERY": "1000",
        "WS_MAX_LATENCY_MS": "60000",
        "PRIME_STREAM": "1",
        "PRIME_BYTES": "100",
        "API_KEY": "sesame",
    }
    return start(seed)


@pytest.fixture(scope="module")
def anywhere(start: Start) -> ServerProcess:
    seed = {
        "FIRST_SEGMENT_MAX_WORDS": "2",
        "FIRST_SEGMENT_REQUIRE_BOUNDARY": "0",
        "STREAM_CHUNK_SECONDS": "0.02",
        "WS_FIRST_CHUNK_IMMEDIATE": "0",
        "WS_BUFFER_BYTES": "1000000",
        "WS_FLUSH_EVERY": "5",
        "WS_MAX_LATENCY_MS": "60000",
        "PRIME_STREAM": "0",
    }
    return start(seed)


@pytest.fixture(scope="module")
def uncut(start: Start) -> ServerProcess:
    """No cut of the first segment; a fast model without a lead limit, and readers that may stall for two seconds."""
    seed = {"FIRST_SEGMENT_MAX_WORDS": "0", "WS_SEND_TIMEOUT": "2", "WS_LONG_SEND_LOG_MS": "50", "PRIME_STREAM": "0"}
    return start(seed, tone={"x_realtime": 2000, "chunk_ms": 200}, max_lead_s=0)


KEY = {"X-API-Key": "sesame"}


def sizes(heard: list[Event]) -> list[int]:
    return [len(audio([event])) for event in heard if event["type"] == DELTA]


async def test_1_01_the_key_in_the_query_lets_in_and_others_are_told_with_1008(at_boundaries: ServerProcess) -> None:
    async with talk(at_boundaries, f"{PATH}?api_key=sesame") as client:
        assert kinds(await client.say("a", "Hello."))[-1] == "completed"
    for path in (PATH, f"{PATH}?api_key=", f"{PATH}?api_key=SESAME", f"{PATH}?api_key=sesame2"):
        async with talk(at_boundaries, path) as client:
            assert await client.closed() == 1008, "accepted first: a bare 403 could not be told from a wrong address"
    async with talk(at_boundaries, subprotocols=["auth.bearer.v1", "sesame"]) as client:
        assert client.link.subprotocol == "auth.bearer.v1"
        assert kinds(await client.say("a", "Hello."))[-1] == "completed"
    assert "sesame" not in at_boundaries.log_path.read_text(), "a key must not be logged"


async def test_1_01_without_a_key_set_everyone_may_come(anywhere: ServerProcess) -> None:
    for path in (PATH, f"{PATH}?api_key=whatever"):
        async with talk(anywhere, path) as client:
            assert kinds(await client.say("a", "Hello."))[-1] == "completed"


async def test_1_01_health_needs_no_key_but_speech_does(at_boundaries: ServerProcess) -> None:
    async with httpx.AsyncClient(base_url=at_boundaries.url, trust_env=False) as http:
        assert (await http.get("/healthz")).status_code == (await http.get("/readyz")).status_code == 200
        refused = await http.post("/v1/audio/speech", json={"input": "Hello."})
        assert refused.status_code == 401 and refused.json()["error"]["code"] == "invalid_api_key"
        assert (await http.post("/v1/audio/speech", json={"input": "Hello."}, headers=KEY)).status_code == 200


async def first_segment(server: ServerProcess, text: str, primer: int = 0) -> float:
    """Seconds heard before the segment with the broken directive was begun."""
    async with talk(server, additional_headers=KEY) as client:
        heard = await client.say("a", text)
        assert heard[-1]["code"] == "bad_directive"
        return (len(audio(heard)) - primer) / 2 / RATE


async def test_1_23_the_first_segment_ends_at_a_boundary_from_the_second_word_on(at_boundaries: ServerProcess) -> None:
    cut = await first_segment(at_boundaries, f"One two three, four five {BROKEN} six.", primer=100)
    assert cut == pytest.approx(len("One two three,") * PACE_S, abs=0.1)
    early = await first_segment(at_boundaries, f"One, two three four five {BROKEN} six.", primer=100)
    assert early == 0, "the first word's comma is too early, and without a later one there is no cut"
    other = await first_segment(at_boundaries, f"One two three: four five {BROKEN} six.", primer=100)
    assert other == 0, "a colon is none of this server's boundaries"


async def test_1_23_without_required_boundary_it_ends_four_words_later_at_the_latest(anywhere: ServerProcess) -> None:
    cut = await first_segment(anywhere, f"One two three four five six seven eight {BROKEN} nine.")
    assert cut == pytest.approx(len("One two three four five six") * PACE_S, abs=0.1)
    at_comma = await first_segment(anywhere, f"One two, three four five six seven {BROKEN} eight.")
    assert at_comma == pytest.approx(len("One two,") * PACE_S, abs=0.1)


async def test_1_23_without_the_cut_the_whole_sentence_is_the_first_segment(uncut: ServerProcess) -> None:
    assert await first_segment(uncut, f"One two, three four five six seven {BROKEN} eight.") == 0


async def test_1_24_and_1_25_the_first_frame_goes_alone_after_the_primer(at_boundaries: ServerProcess) -> None:
    async with talk(at_boundaries, additional_headers=KEY) as client:
        heard = await client.say("a", "{{long 2}}")
    frame = round(0.1 * RATE) * 2
    assert audio(heard)[:100] == bytes(100), "PRIME_BYTES of silence"
    assert sizes(heard)[0] == 100
    assert sizes(heard)[1:11] == [frame, *[2 * frame] * 9], "then WS_BUFFER_BYTES, which two frames fill"
    assert sum(sizes(heard)[11:]) == frame, "and what is left"
    assert heard[-1]["total_samples"] == 2 * RATE, "the primer is not counted"


async def test_1_24_and_1_25_frames_are_counted_where_bytes_do_not_fill(anywhere: ServerProcess) -> None:
    async with talk(anywhere) as client:
        heard = await client.say("a", "{{long 1}}")
    frame = round(0.02 * RATE) * 2
    assert sizes(heard)[:9] == [5 * frame] * 9, "no primer, no lonely first frame, WS_FLUSH_EVERY frames each"
    assert len(audio(heard)) == 2 * RATE


async def test_1_26_a_reader_that_stops_is_dropped_and_logged(uncut: ServerProcess) -> None:
    dropped = len(log_events(uncut, "slow_reader_dropped"))
    async with stalled(uncut) as client:
        await client.create("a", "{{long 3000}}")
        await until(lambda: len(log_events(uncut, "slow_reader_dropped")) > dropped, "the drop in the log")
        await idle(uncut)
        with pytest.raises(ConnectionClosed):
            await client.hear_end("a")


async def test_1_26_a_slow_send_is_logged(uncut: ServerProcess) -> None:
    async with stalled(uncut) as client:
        await client.create("a", "{{long 3000}}")
        for _ in range(100):
            for _ in range(20):
                await client.hear()
            await asyncio.sleep(0.2)  # a slow reader, but no stopped one
            if log_events(uncut, "slow_send"):
                break
    assert all(line["took_ms"] > 50 for line in log_events(uncut, "slow_send"))
    assert log_events(uncut, "slow_send")


async def test_1_12_a_stopped_reader_costs_neither_memory_nor_the_others(start: Start) -> None:
    """The model would have made 144 MB by the time that the others are served; it is held back instead."""
    server = start({"WS_SEND_TIMEOUT": "60"}, tone={"x_realtime": 2000, "chunk_ms": 200}, max_lead_s=0)
    async with stalled(server) as slow, talk(server) as other:
        await other.say("warm up", "Hello.")
        before = memory(server)
        await slow.create("slow", "{{long 3000}}")
        await slow.hear_first("response.created")
        for index in range(30):
            heard = await other.say(str(index), "{{long 20}}")
            assert kinds(heard)[-1] == "completed"
        assert running(server) == 1, "it waits, and is neither lost nor finished"
        assert memory(server) - before < 40e6
        await slow.hear_first(DELTA)
        await slow.tell("barge")
        assert kinds(await slow.hear_end("slow"))[-1] == "canceled"
    await idle(server)


def memory(server: ServerProcess) -> int:
    """Resident bytes of server and workers."""
    return sum(process.memory_info().rss for process in [psutil.Process(server.pid), *workers(server)])
