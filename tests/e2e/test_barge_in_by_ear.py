"""A user speaks over the server's voice: recorded speech over its own echo, into a real server, heard by a real ear."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator

import numpy as np
import pytest

from bench.hearing import RATE, Clip, Room, echo_of, mixed, pcm_of, recorded
from bench.measures.texts import PARAGRAPH
from syrinx.core.types import Samples
from tests.e2e.conftest import Start
from tests.e2e.probe import idle
from tests.e2e.responses import DELTA, Event, Responses, responses, sound
from tests.fakes.server_process import ServerProcess

TEXT = PARAGRAPH * 8
"""Some three minutes: it would not end by itself."""
AHEAD_S = 8.0
"""How much of it is received, and with that noted by the ear, before the microphone is switched on."""
USER_S = 6.0
"""When the user begins, in the microphone's audio: until then there is the server's echo alone, which stops nothing."""
CHUNK = 2 * RATE // 50
VAD = {"type": "server_vad"}
UPDATE_S = 3.0
"""When the client sets its turn detection anew, in the microphone's audio."""


@pytest.fixture(scope="module")
def server(start: Start) -> ServerProcess:
    return start(models=("espeak",), max_lead_s=12)


@pytest.fixture(scope="module")
def clip() -> Iterator[Clip]:
    yield next(clip for clip in recorded() if clip.name == "Rear_Left")


async def speaking(client: Responses) -> tuple[str, Samples]:
    """A response that has begun: its id, and what its listener has of it."""
    await listening(client)
    await client.hear_first("session.updated")
    await client.create(TEXT)
    heard: list[Event] = []
    while len(sound(heard)) < 2 * RATE * AHEAD_S:
        heard.append(await client.hear())
    name = next(event["response_id"] for event in heard if event["type"] == DELTA)
    return name, np.frombuffer(sound(heard), "<i2").astype(np.float32) / np.float32(32768)


async def listening(client: Responses, **turns: float) -> None:
    """Set how turns are detected."""
    heard = {"turn_detection": {**VAD, **turns}}
    await client.tell("session.update", session={"type": "realtime", "audio": {"input": heard}})


async def listen(client: Responses, microphone: Samples) -> None:
    """Send it, 20 ms a message."""
    pcm = pcm_of(microphone)
    for begin in range(0, len(pcm), CHUNK):
        await client.tell("input_audio_buffer.append", audio=base64.b64encode(pcm[begin : begin + CHUNK]).decode())


async def test_turn_detection_that_is_set_anew_in_mid_answer_still_knows_the_echo(
    server: ServerProcess, clip: Clip
) -> None:
    async with responses(server) as client:
        name, voice = await speaking(client)
        echo = echo_of(voice, Room(loss_db=20.0))[: round((USER_S + 0.3) * RATE)]
        microphone, cut = mixed(USER_S + 3.0, (0.0, echo), (USER_S, clip.samples)), round(UPDATE_S * RATE)
        await listen(client, microphone[:cut])
        await listening(client, threshold=0.4)
        await listen(client, microphone[cut:])
        heard = await client.hear_first("response.done")
        (started,) = [event for event in heard if event["type"] == "input_audio_buffer.speech_started"]
        assert -50 < started["audio_start_ms"] + 300 - 1000 * (USER_S + clip.onset_s) <= 150
        assert heard[-1]["response"]["id"] == name
    await idle(server)


async def test_recorded_speech_over_the_echo_stops_the_answer_and_tells_what_was_heard(
    server: ServerProcess, clip: Clip
) -> None:
    async with responses(server) as client:
        name, voice = await speaking(client)
        await asyncio.sleep(0.5)  # the listener plays: there is something heard
        echo = echo_of(voice, Room(loss_db=20.0))[: round((USER_S + 0.3) * RATE)]  # then the client drops the rest
        await listen(client, mixed(USER_S + 3.0, (0.0, echo), (USER_S, clip.samples)))
        heard = await client.hear_first("response.done")
        (started,) = [event for event in heard if event["type"] == "input_audio_buffer.speech_started"]
        told_ms = started["audio_start_ms"] + 300  # the padding
        assert -50 < told_ms - 1000 * (USER_S + clip.onset_s) <= 150
        done = heard[-1]["response"]
        assert (done["id"], done["status"], done["status_details"]["reason"]) == (name, "cancelled", "turn_detected")
        assert done["heard"].startswith("A song") and done["heard"] + done["remaining"] == TEXT
        await client.tell("input_audio_buffer.clear")
        after = await client.hear_first("input_audio_buffer.cleared")
        assert not [event for event in after if event["type"] == DELTA]
    await idle(server)
