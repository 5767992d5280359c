"""The unmodified Cartesia SDK for JavaScript against a real server."""

from __future__ import annotations

import asyncio
import base64
import io
from typing import Any

import pytest
import soundfile

from tests.clients.node import run_node
from tests.e2e.probe import idle
from tests.fakes.server_process import ServerPool, ServerProcess

TEXT = "Hello there, how are you?"
LENGTH_S = len(TEXT) * 0.065
"""As tone speaks it."""
BYTES_A_SECOND = 2 * 24_000


@pytest.fixture(scope="module")
def tone(servers: ServerPool) -> ServerProcess:
    return servers.get(("tone",))


@pytest.fixture(scope="module")
def seen(tone: ServerProcess) -> dict[str, Any]:
    """What the script saw; it has canceled an endless answer when this returns."""
    return run_node("cartesia_speech.mjs", tone.url)


def seconds(events: list[dict[str, Any]], **fields: Any) -> float:
    return sum(event["bytes"] for event in events if fields.items() <= event.items()) / BYTES_A_SECOND


@pytest.mark.parametrize("name", ["wav", "mp3"])
def test_it_gets_whole_files_that_decode(seen: dict[str, Any], name: str) -> None:
    sound, rate = soundfile.read(io.BytesIO(base64.b64decode(seen[name])))
    assert rate == 44_100 and len(sound) / rate == pytest.approx(LENGTH_S, abs=0.3) and abs(sound).max() > 0.1


def test_it_reads_server_sent_events(seen: dict[str, Any]) -> None:
    assert seconds(seen["sse"]) == pytest.approx(LENGTH_S, abs=0.3) and seen["sse"][-1]["type"] == "done"
    assert [word for event in seen["sse"] for word in event["words"]] == TEXT.split()


def test_a_context_speaks_in_pieces_with_words_and_flushes(seen: dict[str, Any]) -> None:
    events = seen["pieces"]
    assert [word for event in events for word in event["words"]] == TEXT.split()
    assert [event["flush_id"] for event in events if event["type"] == "flush_done"] == [1]
    assert seconds(events, flush_id=1) > 0.5 and seconds(events, flush_id=2) > 0.5
    assert [event["type"] for event in events].count("done") == 1 and events[-1]["type"] == "done"


def test_it_is_interrupted_with_no_stale_audio_and_the_model_stops(seen: dict[str, Any], tone: ServerProcess) -> None:
    interrupted = seen["interrupted"]
    assert interrupted["count"] == 3 and interrupted["stale"] == 0
    assert seconds(interrupted["events"]) == pytest.approx(len("Still here.") * 0.065, abs=0.3)
    asyncio.run(idle(tone))


def test_errors_reach_the_context_and_the_caller(seen: dict[str, Any]) -> None:
    error, thrown = seen["refused"]
    assert (error["type"], error["status_code"]) == ("error", 404) and "nobody" in thrown["thrown"]
    assert seen["badVoice"] == {"kind": "NotFoundError", "status": 404, "code": "voice_not_found"}


def test_it_lists_voices(seen: dict[str, Any]) -> None:
    assert seen["voices"][0] == "sine" and "deep" in seen["voices"] and seen["name"] == "masculine"
