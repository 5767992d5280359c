"""ElevenLabs' contexts on the real engine with a fake model: what a codec's actions do and what comes of them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from syrinx.core.errors import InvalidRequest
from syrinx.core.types import Cancel
from syrinx.engine.session import Session
from syrinx.protocols.base import Handshake, Reply
from syrinx.protocols.elevenlabs.sockets import MultiStreamCodec
from syrinx.protocols.elevenlabs.speech import ElevenLabsPolicy
from tests.fakes.host import SECONDS_PER_CHAR, FakeStream
from tests.fakes.stage import Stage, settle

TEXT = ("Hello there.", "It costs $5, I think!", "Bye.")


class Wire:
    """A client's messages in, the server's out, without a socket."""

    def __init__(self, session: Session, stage: Stage, **query: str) -> None:
        self.session = session
        handshake = Handshake({"voice": "bob"}, {"output_format": "pcm_24000", **query})
        self.codec = MultiStreamCodec(handshake, ElevenLabsPolicy(), stage.engine.resolve)

    def tell(self, text: str | None = None, **fields: Any) -> list[dict[str, Any]]:
        """Perform a message; return what is answered directly."""
        replies: list[dict[str, Any]] = []
        for action in self.codec.receive(json.dumps({**({} if text is None else {"text": text}), **fields})):
            if isinstance(action, Reply):
                replies.append(json.loads(action.message))
                continue
            try:
                self.session.send(action)  # type: ignore[arg-type]
            except InvalidRequest:
                assert isinstance(action, Cancel), "only a cancel may come too late"
        return replies

    async def hear(self) -> list[dict[str, Any]]:
        """All that there is to be said now."""
        said: list[dict[str, Any]] = []
        for _ in range(20):
            await settle()
            while (event := self.session.take()) is not None:
                said += [json.loads(i.message) for i in self.codec.render(event) if isinstance(i, Reply)]
        return said

    async def hear_final(self) -> list[dict[str, Any]]:
        """All up to the end of a context."""
        said: list[dict[str, Any]] = []
        async with asyncio.timeout(10):
            while not (said and said[-1]["isFinal"]):
                event = await self.session.next()
                assert event is not None
                said += [json.loads(i.message) for i in self.codec.render(event) if isinstance(i, Reply)]
        return said


async def streams(stage: Stage, count: int) -> list[FakeStream]:
    """Wait for so many jobs of the model."""
    async with asyncio.timeout(10):
        while len(stage.host.streams) < count:
            await asyncio.sleep(0)
    return stage.host.streams


def words_as_pipecat_reads_them(heard: list[dict[str, Any]]) -> list[tuple[str, float]]:
    """Its arithmetic: times restart with each message, whose span moves the clock on; a space ends a word."""
    words: list[tuple[str, float]] = []
    clock_ms, word, begin = 0, "", 0.0
    for times in (said["alignment"] for said in heard if said.get("alignment")):
        for char, start in zip(times["chars"], times["charStartTimesMs"], strict=True):
            if char == " ":
                words += [(word, begin)] if word else []
                word = ""
            else:
                begin = begin if word else (clock_ms + start) / 1000
                word += char
        clock_ms += times["charStartTimesMs"][-1] + times["charDurationsMs"][-1]
    return words


@pytest.mark.parametrize("sentences_at_once", [1, 3])
async def test_every_word_is_told_with_the_time_it_is_heard_at(sentences_at_once: int) -> None:
    stage = Stage()
    wire = Wire(stage.session(marks=True, ordered=False), stage, auto_mode="true")
    heard: list[dict[str, Any]] = []
    wire.tell(" ", context_id="a")
    for index, sentence in enumerate(TEXT):
        wire.tell(sentence, context_id="a")
        heard += await wire.hear() if (index + 1) % sentences_at_once == 0 else []
    wire.tell(context_id="a", flush=True)
    wire.tell(context_id="a", close_context=True)
    heard += await wire.hear_final()
    assert [said["isFinal"] for said in heard].count(True) == 1
    spelled = "".join(char for said in heard if said["alignment"] for char in said["alignment"]["chars"])
    assert spelled == " ".join(TEXT) + " "
    words = words_as_pipecat_reads_them(heard)
    assert [word for word, _ in words] == " ".join(TEXT).split()
    assert [start for _, start in words] == sorted(start for _, start in words)
    assert words[1][1] == pytest.approx(len("Hello ") * SECONDS_PER_CHAR, abs=0.03)


@pytest.mark.parametrize("settled", [False, True])
async def test_nothing_of_an_interrupted_context_comes_after_its_end(settled: bool) -> None:
    stage = Stage(auto=False)
    wire = Wire(stage.session(marks=True, ordered=False), stage, auto_mode="true")
    wire.tell("Hello there.", context_id="old")
    if settled:
        wire.tell(context_id="old", flush=True)
        wire.tell(context_id="old", close_context=True)
    (stream,) = await streams(stage, 1)
    stream.give(1.0)
    await settle()
    wire.tell(context_id="old", close_context=True)
    stream.give(1.0)
    (last,) = await wire.hear_final()
    assert last["contextId"] == "old" and stream.canceled
    wire.tell("New.", context_id="new", flush=True)
    wire.tell(context_id="new", flush=True)
    wire.tell(context_id="new", close_context=True)
    (await streams(stage, 2))[1].speak()
    assert {said["contextId"] for said in await wire.hear_final()} == {"new"}


async def test_contexts_run_side_by_side() -> None:
    stage = Stage(auto=False)
    wire = Wire(stage.session(marks=True, ordered=False), stage)
    for name in ("a", "b"):
        wire.tell(f"Hello {name}. ", context_id=name, flush=True)
        wire.tell(context_id=name, close_context=True)
    first, second = sorted(await streams(stage, 2), key=lambda stream: stream.job.text)  # nothing is promised of order
    second.speak()
    assert {said["contextId"] for said in await wire.hear_final()} == {"b"}
    first.speak()
    assert {said["contextId"] for said in await wire.hear_final()} == {"a"}
