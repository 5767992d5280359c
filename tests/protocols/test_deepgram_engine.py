"""Deepgram's socket through the real pump and the real engine, with a fake model: after ``Cleared`` no frame of the
cleared utterance comes, wherever it was when the clear came."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from starlette.types import Message
from starlette.websockets import WebSocketDisconnect

from syrinx.audio.framing import Framing
from syrinx.engine.outlet import Outlet
from syrinx.engine.session import Session
from syrinx.protocols.base import Handshake
from syrinx.protocols.deepgram.codec import SpeakCodec
from syrinx.protocols.deepgram.speech import DeepgramPolicy
from syrinx.server.websocket import Pump, PumpPolicy
from tests.fakes.host import FakeStream
from tests.fakes.stage import Stage

WAIT_S = 20.0
ENDLESS = "An endless answer. And so on. "
LONG = 60_000
"""Bytes of a message that the pump parses in a thread."""


class Wire:
    """A WebSocket without a network. While ``may_send`` is clear, what is sent waits in the pump, as on a full line."""

    def __init__(self) -> None:
        self.scope: dict[str, Any] = {"type": "websocket"}
        self.said: list[bytes | dict[str, Any]] = []
        """What reached the client: audio as it is, words parsed."""
        self.sending = asyncio.Event()
        """Something waits to be sent."""
        self.may_send = asyncio.Event()
        self.may_send.set()
        self.closed = False
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()

    def tell(self, kind: str, text: str | None = None, padding: int = 0) -> None:
        fields = {"type": kind, **({} if text is None else {"text": text}), **({"x": "x" * padding} if padding else {})}
        self._inbox.put_nowait({"type": "websocket.receive", "text": json.dumps(fields)})

    def hang_up(self) -> None:
        self._inbox.put_nowait({"type": "websocket.disconnect", "code": 1000})

    async def receive(self) -> Message:
        return await self._inbox.get()

    async def send(self, message: Message) -> None:
        if self.closed:
            raise WebSocketDisconnect(1006)
        self.sending.set()
        await self.may_send.wait()
        self.closed = message["type"] == "websocket.close"
        if not self.closed:
            text = message.get("text")
            self.said.append(message["bytes"] if text is None else json.loads(text))

    async def hear(self, kind: str, count: int = 1) -> None:
        """Wait until the client was told so often."""
        await until(lambda: self.told(kind) >= count)

    def told(self, kind: str) -> int:
        return sum(isinstance(said, dict) and said["type"] == kind for said in self.said)

    def audio(self, since: int = 0) -> bytes:
        return b"".join(said for said in self.said[since:] if isinstance(said, bytes))

    def place(self, kind: str) -> int:
        """Where the last message of that kind stands."""
        return max(i for i, said in enumerate(self.said) if isinstance(said, dict) and said["type"] == kind)


async def until(condition: Any) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.001)


@asynccontextmanager
async def connected(stage: Stage, speed: str = "1", **options: Any) -> AsyncIterator[tuple[Wire, Session]]:
    """A connection of a client that takes everything, for the length of the block."""
    wire, session = Wire(), stage.session(**options)
    codec = SpeakCodec(Handshake(query={"speed": speed}), DeepgramPolicy(), stage.engine.resolve)

    async def run() -> None:
        await Pump(wire, codec, session, PumpPolicy(send_timeout_s=WAIT_S)).run()

    running = asyncio.create_task(run())
    try:
        yield wire, session
    finally:
        wire.may_send.set()
        wire.hang_up()
        async with asyncio.timeout(WAIT_S):
            await running


def outlet_of(session: Session) -> Outlet:
    """Of the one utterance there is."""
    (utterance,) = session._utterances.values()
    assert utterance._outlet is not None
    return utterance._outlet


async def streams(stage: Stage, count: int) -> FakeStream:
    """Wait for so many jobs of the model; return the last."""
    await until(lambda: len(stage.host.streams) >= count)
    return stage.host.streams[count - 1]


OLD, NEW = 0.25, -0.25
"""Levels of what the model makes: each sample tells by its sign whose it is."""


def whose(audio: bytes) -> set[float]:
    """Of which of the two there are samples."""
    samples = np.frombuffer(audio, "<i2")
    return {level for level in (OLD, NEW) if np.any(np.sign(level) * samples > 100)}


async def speak_again(wire: Wire, stage: Stage) -> None:
    """A new turn, to its end."""
    flushes, jobs = wire.told("Flushed"), len(stage.host.streams) + 1
    wire.tell("Speak", "Something new.")
    wire.tell("Flush")
    stream = await streams(stage, jobs)
    stream.give(0.5, level=NEW)
    stream.end()
    await wire.hear("Flushed", flushes + 1)


@pytest.mark.parametrize("padding", [0, LONG], ids=["at once", "parsed in a thread"])
async def test_what_is_on_the_line_and_in_the_session_does_not_pass_cleared(padding: int) -> None:
    stage = Stage(auto=False)
    async with connected(stage) as (wire, session):
        wire.tell("Speak", ENDLESS)
        wire.tell("Flush")
        old = await streams(stage, 1)
        old.give(0.2, level=OLD)
        await until(wire.audio)
        wire.may_send.clear()
        wire.sending.clear()
        old.give(0.2, level=OLD)
        async with asyncio.timeout(WAIT_S):
            await wire.sending.wait()  # a frame is on its way, and cannot be called back
        old.give(0.2, level=OLD)
        await until(lambda: session._outbox)  # and another waits in the session
        wire.tell("Clear", padding=padding)
        await until(lambda: old.canceled)
        old.give(0.2, level=OLD)  # what the model still makes
        wire.may_send.set()
        await wire.hear("Cleared")
        await speak_again(wire, stage)
        cleared = wire.place("Cleared")
        assert whose(wire.audio()) == {OLD, NEW}, "both were heard"
        assert whose(wire.audio(cleared)) == {NEW}, "but nothing of the old behind Cleared"
        assert wire.told("Flushed") == 1, "the old turn's flush would have ended the new one"


async def test_what_is_gathered_in_the_outlet_does_not_pass_cleared() -> None:
    stage = Stage(auto=False)
    gathering = Framing(buffer_bytes=10**9, flush_every=10**9)
    async with connected(stage, framing=gathering, max_latency_s=0.05) as (wire, session):
        wire.tell("Speak", ENDLESS)
        old = await streams(stage, 1)
        old.give(0.2, level=OLD)
        await until(wire.audio)  # the first frame; the rest is held until a timer lets it go
        outlet = outlet_of(session)
        wire.tell("Clear")
        await wire.hear("Cleared")
        old.give(0.2, level=OLD)
        await asyncio.sleep(0.1)  # the timer's time
        outlet.release()
        await speak_again(wire, stage)
        assert whose(wire.audio(wire.place("Cleared"))) == {NEW}


async def test_what_a_thread_still_works_on_does_not_pass_cleared() -> None:
    stage = Stage(auto=False)
    async with connected(stage, speed="2") as (wire, session):
        wire.tell("Speak", ENDLESS)
        old = await streams(stage, 1)
        old.give(30.0, level=OLD)
        await until(wire.audio)
        outlet = outlet_of(session)
        await until(lambda: outlet._busy is not None and not outlet._busy.done())
        wire.tell("Clear")
        await wire.hear("Cleared")
        busy = outlet._busy
        assert busy is not None
        async with asyncio.timeout(WAIT_S):
            await asyncio.wait({busy})
        await speak_again(wire, stage)
        assert whose(wire.audio(wire.place("Cleared"))) == {NEW}


async def test_a_codec_that_forgot_nothing_would_be_caught() -> None:
    """The test of the tests: frames of the old that came late would be seen by their sign."""
    stage = Stage(auto=False)
    async with connected(stage) as (wire, _):
        wire.tell("Speak", "One answer.")
        wire.tell("Flush")
        old = await streams(stage, 1)
        old.give(0.2, level=OLD)
        await until(wire.audio)
        old.end()
        await wire.hear("Flushed")
        assert whose(wire.audio()) == {OLD}


async def test_turns_are_heard_one_after_the_other_and_flushed_behind_their_audio() -> None:
    stage = Stage(auto=False)
    async with connected(stage) as (wire, _):
        for text in ("One.", "Two."):
            wire.tell("Speak", text)
            wire.tell("Flush")
        first = await streams(stage, 1)
        first.give(0.2, level=OLD)
        await until(wire.audio)
        assert wire.told("Flushed") == 0
        first.end()
        second = await streams(stage, 2)
        second.give(0.2, level=NEW)
        second.end()
        await wire.hear("Flushed", 2)
        said = [next(iter(whose(s)), None) if isinstance(s, bytes) else s["type"] for s in wire.said]
        told = [name for name in said if name is not None]
        assert [name for i, name in enumerate(told) if i == 0 or told[i - 1] != name] == [
            *("Metadata", OLD, "Flushed", NEW, "Flushed"),
        ]


async def test_a_close_speaks_to_the_end_and_closes() -> None:
    stage = Stage()
    async with connected(stage) as (wire, _):
        wire.tell("Speak", "Hello there.")
        wire.tell("Close")
        await until(lambda: wire.closed)
        assert wire.audio() and wire.told("Flushed") == 0
