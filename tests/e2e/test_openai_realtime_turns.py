"""Turns in OpenAI's Realtime API with a real ear and a real voice: who speaks into the microphone stops the answer."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.e2e.conftest import Start
from tests.e2e.probe import idle
from tests.e2e.responses import DELTA, Event, Responses, responses, sound
from tests.e2e.talk import WAIT_S
from tests.fakes.server_process import ServerProcess

QUESTION = "Please stop now, I have a question about that."
FORMATS = {"audio/pcm": ("pcm", 24_000, 2), "audio/pcmu": ("mulaw", 8000, 1), "audio/pcma": ("alaw", 8000, 1)}
"""Our name, Hertz and bytes of a sample."""


@pytest.fixture(scope="module")
def server(start: Start) -> ServerProcess:
    """tone answers, espeak plays the one who interrupts."""
    return start(models=("tone", "espeak"), tone={"x_realtime": 100}, max_lead_s=2)


@pytest.fixture
async def client(server: ServerProcess) -> AsyncIterator[Responses]:
    async with responses(server, "model=tone") as link:
        await link.hear_first("session.created")
        yield link
    await idle(server)


class Microphone:
    """What somebody says into it: silence, a question, silence."""

    def __init__(self, server: ServerProcess, kind: str = "audio/pcm") -> None:
        name, rate, width = FORMATS[kind]
        body = {"model": "espeak", "input": QUESTION, "response_format": name, "sample_rate": rate}
        answer = httpx.post(f"{server.url}/v1/audio/speech", json=body, trust_env=False, timeout=WAIT_S)
        assert answer.status_code == 200, answer.text
        assert len(answer.content) > rate * width
        self.kind = kind
        self.speech = answer.content
        self._second = rate * width
        self._zero = {"pcm": b"\0", "mulaw": b"\xff", "alaw": b"\xd5"}[name]

    def silence(self, seconds: float) -> bytes:
        return self._zero * round(seconds * self._second)

    def messages(self, data: bytes) -> Iterator[str]:
        """20 ms each."""
        size = self._second // 50
        for start in range(0, len(data), size):
            yield base64.b64encode(data[start : start + size]).decode()

    async def send(self, client: Responses, data: bytes) -> None:
        for audio in self.messages(data):
            await client.tell("input_audio_buffer.append", audio=audio)


async def listen(client: Responses, kind: str = "audio/pcm", **turns: object) -> None:
    heard = {"format": {"type": kind}, "turn_detection": {"type": "server_vad", **turns}}
    await client.tell("session.update", session={"type": "realtime", "audio": {"input": heard}})
    await client.hear_first("session.updated")


async def begin(client: Responses) -> str:
    """An answer that would not end; returns its id once it is heard."""
    await client.item("One two three. {{long 3000}}")
    await client.tell("response.create")
    return (await client.hear_first(DELTA))[-1]["response_id"]


COMMITTED = "input_audio_buffer.committed"


def is_turn(heard: list[Event]) -> bool:
    """Whether what somebody said has become an item."""
    done = (event["item"] for event in heard if event["type"] == "conversation.item.done")
    return any(item["content"] == [{"type": "input_audio", "transcript": None}] for item in done)


def kinds(heard: list[Event]) -> list[str]:
    """Types of events, audio and words left out."""
    return [event["type"] for event in heard if not event["type"].endswith(".delta")]


@pytest.mark.parametrize("kind", FORMATS)
async def test_who_speaks_stops_the_answer(client: Responses, server: ServerProcess, kind: str) -> None:
    microphone = Microphone(server, kind)
    await listen(client, kind)
    name = await begin(client)
    saying = microphone.silence(4) + microphone.speech + microphone.silence(2)
    speaking = asyncio.create_task(microphone.send(client, saying))
    heard: list[Event] = []
    while not ("response.done" in kinds(heard) and is_turn(heard)):
        heard.append(await client.hear())
    done, *others = [event["response"] for event in heard if event["type"] == "response.done"]
    assert (done["id"], done["status"], others) == (name, "cancelled", [])
    assert done["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert done["heard"] + done["remaining"] == "One two three. {{long 3000}}"
    assert not sound(heard[[event["type"] for event in heard].index("response.done") :])
    turn = [event for event in heard if event["type"].startswith("input_audio_buffer.")]
    assert kinds(turn) == ["input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped", COMMITTED]
    assert 2500 <= turn[0]["audio_start_ms"] <= 5000 < turn[1]["audio_end_ms"], "the speech begins at 4 s"
    await speaking
    assert sound(await client.say("And now?")), "the next answer is heard"


async def test_where_it_is_not_to_interrupt_the_answer_goes_on(client: Responses, server: ServerProcess) -> None:
    microphone = Microphone(server)
    await listen(client, interrupt_response=False)
    name = await begin(client)
    saying = microphone.silence(4) + microphone.speech + microphone.silence(2)
    speaking = asyncio.create_task(microphone.send(client, saying))
    heard = await client.hear_first("input_audio_buffer.committed")
    assert "response.done" not in kinds(heard) and "input_audio_buffer.speech_started" in kinds(heard)
    assert (await client.hear_first(DELTA))[-1]["response_id"] == name
    await speaking
    await client.tell("response.cancel")
    await client.hear_first("response.done")


async def test_silence_interrupts_nobody(client: Responses, server: ServerProcess) -> None:
    microphone = Microphone(server)
    await listen(client)
    await client.tell("response.create", response={"input": []})  # refused: there is nothing to say
    await client.hear_first("error")
    await microphone.send(client, microphone.silence(5))
    heard = await client.say("Hello there.")
    assert heard[-1]["response"]["status"] == "completed"
    assert "input_audio_buffer.speech_started" not in kinds(heard)


async def test_a_hang_up_in_mid_speech_leaves_nothing_behind(server: ServerProcess) -> None:
    microphone = Microphone(server)
    async with responses(server, "model=tone") as client:
        await listen(client)
        await begin(client)
        await microphone.send(client, microphone.speech)
        client.link.transport.abort()
    await idle(server)
