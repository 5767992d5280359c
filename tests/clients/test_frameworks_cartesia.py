"""Pipecat and LiveKit, unmodified, with the URL of this server: speech, word times, barge-in."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.clients.frameworks import run_framework
from tests.e2e.probe import idle
from tests.fakes.server_process import ServerPool, ServerProcess

WORDS = "Hello there. How are you, my friend?"


@pytest.fixture(scope="module")
def tone(servers: ServerPool) -> ServerProcess:
    return servers.get(("tone",))


@pytest.fixture(scope="module")
def pipecat(tone: ServerProcess) -> dict[str, Any]:
    return run_framework("pipecat_cartesia.py", tone.ws_url)


@pytest.fixture(scope="module")
def livekit(tone: ServerProcess) -> dict[str, Any]:
    return run_framework("livekit_cartesia.py", tone.url)


def test_pipecat_speaks_and_tells_every_word(pipecat: dict[str, Any]) -> None:
    said = pipecat["said"]
    assert said["audio_s"] == pytest.approx(len(WORDS) * 0.065, abs=0.7)
    assert " ".join(said["words"]).split() == WORDS.split()
    assert said["contexts"] == 1 and pipecat["errors"] == []


def test_pipecat_is_interrupted_with_no_stale_audio(pipecat: dict[str, Any], tone: ServerProcess) -> None:
    in_the_middle, at_the_end = pipecat["interrupted"]
    assert in_the_middle["stale"] == at_the_end["stale"] == 0
    assert in_the_middle["fresh"] > 0 and at_the_end["fresh"] > 0, "the next answer is heard on the same socket"
    asyncio.run(idle(tone))


def test_livekit_speaks_with_the_times_of_words(livekit: dict[str, Any]) -> None:
    said = livekit["said"]
    assert said["audio_s"] == pytest.approx(len(WORDS) * 0.065, abs=0.7)
    assert "".join(said["words"]).split() == WORDS.split()
    assert said["starts_s"] == sorted(said["starts_s"]) and said["starts_s"][-1] > said["audio_s"] / 2
    assert livekit["whole"]["audio_s"] == pytest.approx(len("Hello there.") * 0.065, abs=0.3)
    assert livekit["faster"]["audio_s"] == pytest.approx(said["audio_s"] / 1.5, abs=0.4)


def test_livekit_is_interrupted_and_the_model_stops(livekit: dict[str, Any], tone: ServerProcess) -> None:
    (interrupted,) = livekit["interrupted"]
    assert interrupted["heard"] == 3
    assert interrupted["fresh_s"] == pytest.approx(len("Still here.") * 0.065, abs=0.3), "and no more"
    asyncio.run(idle(tone))


def test_livekit_is_told_of_a_voice_that_there_is_not(livekit: dict[str, Any]) -> None:
    assert livekit["failed"] is True
