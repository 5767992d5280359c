"""Pipecat's and LiveKit's services that ask over HTTP, unmodified: OpenAI's speech in both forms, Piper's."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.clients.frameworks import run_framework
from tests.e2e.probe import ended, idle, until
from tests.fakes.server_process import ServerPool, ServerProcess

WORDS = "Hello there. How are you, my friend?"
A_CHARACTER_S = 0.065
"""As tone speaks."""
VOICES = {"openai": "alloy", "piper": "sine"}


@pytest.fixture(scope="module")
def tone(servers: ServerPool) -> ServerProcess:
    return servers.get(("tone",))


@pytest.fixture(scope="module", params=list(VOICES))
def pipecat(tone: ServerProcess, request: pytest.FixtureRequest) -> dict[str, Any]:
    """It was interrupted twice."""
    return interrupted_twice(tone, "pipecat_http.py", request.param, tone.url, VOICES[request.param])


@pytest.fixture(scope="module")
def livekit(tone: ServerProcess) -> dict[str, Any]:
    """It was interrupted once in each form."""
    return interrupted_twice(tone, "livekit_openai.py", tone.url, "sine")


def interrupted_twice(tone: ServerProcess, script: str, *arguments: str) -> dict[str, Any]:
    """What the script printed, once the server has canceled two endless answers and works on nothing."""
    canceled = ended(tone, "canceled")
    seen = run_framework(script, *arguments)
    asyncio.run(until(lambda: ended(tone, "canceled") == canceled + 2, "two cancels"))
    asyncio.run(idle(tone))
    return seen


def test_pipecat_speaks_a_request_for_each_sentence(pipecat: dict[str, Any]) -> None:
    said = pipecat["said"]
    assert said["audio_s"] == pytest.approx(len(WORDS) * A_CHARACTER_S, abs=0.7)
    assert said["words"] == ["Hello there.", "How are you, my friend?"]
    assert said["contexts"] == 1 and pipecat["errors"] == []


def test_pipecat_is_interrupted_with_no_stale_audio(pipecat: dict[str, Any]) -> None:
    assert [each["stale"] for each in pipecat["interrupted"]] == [0, 0]
    assert all(each["fresh"] > 0 for each in pipecat["interrupted"]), "the next answer is heard"


@pytest.mark.parametrize("form", ["sse", "audio"])
def test_livekit_hears_every_format_that_it_decodes(livekit: dict[str, Any], form: str) -> None:
    whole_s = livekit[form]["whole_s"]
    assert set(whole_s) == {"mp3", "wav", "flac", "aac", "opus", "pcm"}
    for encoding, length_s in whole_s.items():
        assert length_s == pytest.approx(len("Hello there.") * A_CHARACTER_S, abs=0.15), encoding
    assert livekit[form]["in_tokens_s"] == pytest.approx(len(WORDS) * A_CHARACTER_S, abs=0.7)


def test_livekit_is_interrupted_with_no_stale_audio(livekit: dict[str, Any]) -> None:
    for form in ("sse", "audio"):
        (interrupted,) = livekit[form]["interrupted"]
        assert interrupted["heard"] == 3
        assert interrupted["fresh_s"] == pytest.approx(len("Still here.") * A_CHARACTER_S, abs=0.15), "and no more"


def test_livekit_raises_its_error_with_the_words_of_ours(livekit: dict[str, Any]) -> None:
    for form in ("sse", "audio"):
        assert livekit[form]["refusal"]["status"] == 400 and "nobody" in livekit[form]["refusal"]["words"]
