"""The unmodified OpenAI SDK for JavaScript against a real server."""

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


@pytest.fixture(scope="module")
def tone(servers: ServerPool) -> ServerProcess:
    return servers.get(("tone",))


@pytest.fixture(scope="module")
def seen(tone: ServerProcess) -> dict[str, Any]:
    """What the script saw; it has hung up in the middle of an endless answer when this returns."""
    return run_node("stream_speech.mjs", tone.url)


def test_it_streams_every_sample_in_many_pieces(seen: dict[str, Any]) -> None:
    assert sum(seen["sizes"]) == 20 * 24_000 * 2
    assert len(seen["sizes"]) > 5


def test_it_gets_a_whole_mp3_that_decodes(seen: dict[str, Any]) -> None:
    sound, rate = soundfile.read(io.BytesIO(base64.b64decode(seen["mp3"])))
    assert len(sound) / rate == pytest.approx(1.0, abs=0.1) and abs(sound).max() > 0.2


def test_it_throws_the_typed_errors(seen: dict[str, Any]) -> None:
    assert seen["badVoice"] == {
        "kind": "BadRequestError",
        "status": 400,
        "code": "voice_not_found",
        "param": "voice",
    }
    assert seen["empty"]["kind"] == "BadRequestError" and seen["empty"]["code"] == "empty_text"
    assert seen["models"] == ["tone"]


def test_its_abort_stops_the_model(seen: dict[str, Any], tone: ServerProcess) -> None:
    assert seen["beforeHangUp"] > 0
    asyncio.run(idle(tone))
