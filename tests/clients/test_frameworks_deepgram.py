"""Pipecat and LiveKit, unmodified, with the URL of this server as Deepgram's: speech, and barge-in as it passes by on
the wire: once the server has heard of the interruption, no frame of the old comes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import pytest

from tests.clients.frameworks import run_framework
from tests.clients.relay import Passed, relay
from tests.e2e.probe import idle
from tests.fakes.server_process import ServerPool, ServerProcess

WORDS = "Hello there. How are you, my friend?"
A_CHARACTER_S = 0.065
"""As tone speaks."""
STILL_HERE_S = len("Still here.") * A_CHARACTER_S
RATE = 24_000


@dataclass(frozen=True)
class Seen:
    """What a framework heard, and what passed by."""

    heard: dict[str, Any]
    connections: list[list[Passed]]


@pytest.fixture(scope="module")
def tone(servers: ServerPool) -> ServerProcess:
    return servers.get(("tone",))


@pytest.fixture(scope="module")
def pipecat(tone: ServerProcess) -> Seen:
    with relay(tone.ws_url) as line:
        heard = run_framework("pipecat_deepgram.py", "socket", line.url, "sine")
    return Seen(heard, line.connections)


@pytest.fixture(scope="module")
def livekit(tone: ServerProcess) -> Seen:
    with relay(tone.ws_url) as line:
        heard = run_framework("livekit_deepgram.py", line.url, tone.url, "sine")
    return Seen(heard, line.connections)


def audio_s(passed: list[Passed]) -> float:
    return sum(len(said.message) for said in passed if said.kind == "audio") / 2 / RATE


def behind(passed: list[Passed], kind: str) -> list[list[Passed]]:
    """What passed behind each message of that kind, up to the end of the turn that follows."""
    parts: list[list[Passed]] = []
    for place, said in enumerate(passed):
        if said.kind == kind:
            rest = passed[place + 1 :]
            end = next((i for i, later in enumerate(rest) if later.kind == "Flushed"), len(rest))
            parts.append(rest[: end + 1])
    return parts


def test_pipecat_speaks(pipecat: Seen) -> None:
    said = pipecat.heard["said"]
    assert said["audio_s"] == pytest.approx(len(WORDS) * A_CHARACTER_S, abs=0.7)
    assert said["contexts"] == 1 and pipecat.heard["errors"] == []


def test_pipecat_is_interrupted_and_no_frame_of_the_old_passes_cleared(pipecat: Seen, tone: ServerProcess) -> None:
    assert all(part["fresh"] > 0 for part in pipecat.heard["interrupted"]), "the next answer is heard"
    (passed,) = pipecat.connections  # one socket, from beginning to end
    clears = [said for said in passed if said.kind == "Clear"]
    turns = behind(passed, "Cleared")
    assert len(clears) == len(turns) == len(pipecat.heard["interrupted"])
    for turn in turns:
        assert turn[-1].kind == "Flushed" and audio_s(turn) == pytest.approx(STILL_HERE_S, abs=0.03)
    asyncio.run(idle(tone))


def test_pipecat_speaks_a_request_for_each_sentence_over_http(tone: ServerProcess) -> None:
    heard = run_framework("pipecat_deepgram.py", "http", tone.url, "aura-2-helena-en")
    assert heard["said"]["audio_s"] == pytest.approx(len(WORDS) * A_CHARACTER_S, abs=0.7) and heard["errors"] == []
    assert [part["stale"] for part in heard["interrupted"]] == [0, 0]
    assert all(part["fresh"] > 0 for part in heard["interrupted"])
    asyncio.run(idle(tone))


def test_livekit_speaks_on_the_socket_and_over_http(livekit: Seen) -> None:
    assert livekit.heard["said_s"] == pytest.approx(len(WORDS) * A_CHARACTER_S, abs=0.7)
    assert livekit.heard["whole_s"] == pytest.approx(len("Hello there.") * A_CHARACTER_S, abs=0.3)


def test_livekit_is_interrupted_by_a_new_socket_and_hears_nothing_of_the_old(
    livekit: Seen, tone: ServerProcess
) -> None:
    for part in livekit.heard["interrupted"]:
        assert part["heard"] == 3 and part["fresh_s"] == pytest.approx(STILL_HERE_S, abs=0.3)
    turns = [passed for passed in livekit.connections if any(said.kind == "audio" for said in passed)]
    fresh = [passed for passed in turns if any(_says(said, "Still ") for said in passed)]
    assert len(fresh) == 2 and len(turns) == 3, "each interruption gives up its socket"
    for passed in fresh:
        (place,) = (i for i, said in enumerate(passed) if _says(said, "Still "))
        answer = passed[place:]
        end = next(i for i, said in enumerate(answer) if said.kind == "Flushed")
        assert audio_s(answer[:end]) == pytest.approx(STILL_HERE_S, abs=0.03)
    asyncio.run(idle(tone))


def _says(said: Passed, text: str) -> bool:
    return said.kind == "Speak" and said.message["text"] == text
