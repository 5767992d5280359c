"""The unmodified ElevenLabs SDK for JavaScript against a real server."""

from __future__ import annotations

import asyncio
import base64
import io
from typing import Any

import numpy as np
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
def seen(servers: ServerPool, tone: ServerProcess) -> dict[str, Any]:
    """What the script saw; it has hung up in the middle of an endless answer when this returns."""
    return run_node("elevenlabs_speech.mjs", tone.url, servers.get(("tone",), api_key="sesame").url)


def test_it_hears_all_of_a_text_whole_streamed_and_faster(seen: dict[str, Any]) -> None:
    assert sum(seen["converted"]) / BYTES_A_SECOND == pytest.approx(LENGTH_S, abs=0.3)
    assert sum(seen["streamed"]) == 20 * BYTES_A_SECOND and len(seen["streamed"]) > 5
    assert sum(seen["fast"]) / BYTES_A_SECOND == pytest.approx(LENGTH_S / 2, abs=0.3)


def test_its_default_format_is_an_mp3_that_decodes(seen: dict[str, Any]) -> None:
    sound, rate = soundfile.read(io.BytesIO(base64.b64decode(seen["mp3"])))
    assert rate == 44_100 and len(sound) / rate == pytest.approx(1.0, abs=0.1) and np.abs(sound).max() > 0.2


@pytest.mark.parametrize("name", ["timed", "timedStream"])
def test_times_spell_the_text_in_order(seen: dict[str, Any], name: str) -> None:
    timed = seen[name]
    assert timed["text"] == TEXT and timed["count"] >= (1 if name == "timed" else 2)
    assert timed["bytes"] / BYTES_A_SECOND == pytest.approx(LENGTH_S, abs=0.3)
    assert timed["starts"] == sorted(timed["starts"]) and timed["starts"][TEXT.index("you")] > LENGTH_S / 2


def test_lists(seen: dict[str, Any]) -> None:
    assert "sine" in seen["voices"] and seen["found"] == ["deep"] and seen["name"] == "Sine"
    assert seen["models"] == ["tone"] and seen["tier"] == "self-hosted"


def test_it_throws_its_error_with_what_is_wrong(seen: dict[str, Any]) -> None:
    for name, status, detail in (
        ("noVoice", 404, "voice_not_found"),
        ("empty", 400, "empty_text"),
        ("wrongKey", 401, "invalid_api_key"),
    ):
        assert seen[name] == {"kind": "ElevenLabsError", "status": status, "detail": detail}


def test_its_hang_up_stops_the_model(seen: dict[str, Any], tone: ServerProcess) -> None:
    assert seen["beforeHangUp"] > 0
    asyncio.run(idle(tone))
