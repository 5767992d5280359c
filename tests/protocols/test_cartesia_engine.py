"""Cartesia's contexts on the real engine with a fake model: what a codec's actions do and what comes of them."""

from __future__ import annotations

import asyncio
import base64
import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from syrinx.core.errors import InvalidRequest
from syrinx.core.types import Cancel
from syrinx.engine.session import Session
from syrinx.protocols.base import Reply
from syrinx.protocols.cartesia.codec import CartesiaCodec
from syrinx.protocols.cartesia.speech import CartesiaPolicy
from tests.fakes.host import SECONDS_PER_CHAR, FakeStream
from tests.fakes.stage import Stage, settle

HOW = {
    "model_id": "sonic-3",
    "voice": {"mode": "id", "id": "bob"},
    "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 24_000},
    "add_timestamps": True,
}
TEXT = ("Hello there.", "It costs $5, I think!", "Bye.")
Heard = list[dict[str, Any]]


class Wire:
    """A client's messages in, the server's out, without a socket."""

    def __init__(self, stage: Stage) -> None:
        self.session: Session = stage.session(marks=True, ordered=False)
        self.codec = CartesiaCodec(CartesiaPolicy(), stage.engine.resolve)

    def tell(self, text: str, name: str, *, more: bool = True, **fields: Any) -> Heard:
        return self.send({**HOW, "context_id": name, "transcript": text, "continue": more, **fields})

    def send(self, message: dict[str, Any]) -> Heard:
        """Perform a message; return what is answered directly."""
        replies: Heard = []
        for action in self.codec.receive(json.dumps(message)):
            if isinstance(action, Reply):
                replies.append(json.loads(action.message))
                continue
            try:
                self.session.send(action)  # type: ignore[arg-type]
            except InvalidRequest:
                assert isinstance(action, Cancel), "only a cancel may come too late"
        return replies

    async def hear(self, last: Callable[[dict[str, Any]], Any] = lambda told: told["done"]) -> Heard:
        """All up to the first such message; by default the end of a context."""
        told: Heard = []
        async with asyncio.timeout(20):
            while not (told and last(told[-1])):
                event = await self.session.next()
                assert event is not None
                told += [json.loads(i.message) for i in self.codec.render(event) if isinstance(i, Reply)]
        return told


async def streams(stage: Stage, count: int) -> list[FakeStream]:
    """Wait for so many jobs of the model."""
    async with asyncio.timeout(20):
        while len(stage.host.streams) < count:
            await asyncio.sleep(0)
    return stage.host.streams


def audio_s(heard: Heard, name: str) -> float:
    chunks = [told for told in heard if told["type"] == "chunk" and told["context_id"] == name]
    return sum(len(base64.b64decode(chunk["data"])) for chunk in chunks) / 2 / 24_000


@pytest.mark.parametrize("delay_ms", [0, 3000])
async def test_every_word_is_told_with_the_time_it_is_heard_at(delay_ms: int) -> None:
    wire = Wire(Stage())
    for sentence in TEXT:
        wire.tell(sentence + " ", "a", max_buffer_delay_ms=delay_ms)
    wire.tell("", "a", more=False)
    heard = await wire.hear()
    times = [told["word_timestamps"] for told in heard if told["type"] == "timestamps"]
    assert [word for told in times for word in told["words"]] == " ".join(TEXT).split()
    starts = [start for told in times for start in told["start"]]
    assert starts == sorted(starts) and starts[1] == pytest.approx(len("Hello ") * SECONDS_PER_CHAR, abs=0.03)
    assert starts[-1] < audio_s(heard, "a")
    assert [told["type"] for told in heard].count("done") == 1


async def test_each_flush_is_done_behind_the_audio_of_its_text() -> None:
    wire = Wire(Stage())
    for sentence in TEXT:
        assert wire.tell(sentence, "a", flush=True) == []
    wire.tell("", "a", more=False)
    heard = await wire.hear()
    shown = [(told["type"], told.get("flush_id")) for told in heard if told["type"] in ("chunk", "flush_done")]
    order = [entry for index, entry in enumerate(shown) if index == 0 or shown[index - 1] != entry]
    steps = [step for flush_id in (1, 2, 3) for step in (("chunk", flush_id), ("flush_done", flush_id))]
    assert order[: len(steps)] == steps and order[len(steps) :] in ([], [("chunk", 4)]), "a few ms come behind the last"


async def test_nothing_of_a_canceled_context_comes_any_more() -> None:
    stage = Stage(auto=False)
    wire = Wire(stage)
    wire.tell("Hello there. ", "old", max_buffer_delay_ms=0)
    (stream,) = await streams(stage, 1)
    stream.give(1.0)
    await settle()
    assert wire.send({"context_id": "old", "cancel": True}) == []
    stream.give(1.0)
    assert stream.canceled
    wire.tell("New.", "new", more=False)
    (await streams(stage, 2))[1].speak()
    assert {told["context_id"] for told in await wire.hear()} == {"new"}


async def test_text_without_an_end_is_spoken_after_the_delay_of_its_context() -> None:
    wire = Wire(Stage())
    wire.tell("no end in sight", "a", max_buffer_delay_ms=10)
    assert audio_s(await wire.hear(lambda told: told["type"] == "chunk"), "a") > 0


async def test_a_hundred_contexts_on_one_socket_are_never_mixed_and_all_complete() -> None:
    """Each says words of its own, in pieces that come in turns with those of all others; some are cut off."""
    wire, names = Wire(Stage()), [f"context-{number}" for number in range(100)]
    cut = set(names[::10])
    for part in range(3):
        for number, name in enumerate(names):
            wire.tell(f"This{number} is{number} part{part} of{number}. ", name)
    for name in names:
        wire.send({"context_id": name, "cancel": True}) if name in cut else wire.tell("", name, more=False)
    left = set(names) - cut
    heard = await wire.hear(lambda told: told["done"] and (left.discard(told["context_id"]), not left)[1])
    by_name: dict[str, Heard] = defaultdict(list)
    for told in heard:
        by_name[told["context_id"]].append(told)
    assert set(by_name) == set(names) - cut
    for number, name in enumerate(names):
        if name in cut:
            continue
        told = by_name[name]
        words = [word for t in told if t["type"] == "timestamps" for word in t["word_timestamps"]["words"]]
        assert words == [
            w for part in range(3) for w in (f"This{number}", f"is{number}", f"part{part}", f"of{number}.")
        ]
        assert told[-1]["type"] == "done" and [t["done"] for t in told].count(True) == 1
        assert audio_s(told, name) > 0.3
