"""The engine's end is bounded whatever hangs, and what only watches cannot break it."""

import asyncio
import logging

import pytest

from syrinx.core.clock import FakeClock
from syrinx.core.errors import Overloaded
from syrinx.core.types import Append, Audio, End, Finished, Open, ServerEvent, SpeechRequest
from syrinx.engine.engine import Engine
from syrinx.engine.policy import EnginePolicy, FirstPiece, SessionOptions
from syrinx.engine.record import UtteranceRecord
from syrinx.engine.session import Session
from tests.fakes.host import FakeHost

TEXT = "One two three. Four five six. Seven eight nine."


class Records:
    """Keeps what it is told, or breaks."""

    def __init__(self, *, breaks: bool = False) -> None:
        self.all: list[UtteranceRecord] = []
        self._breaks = breaks

    def utterance_ended(self, record: UtteranceRecord) -> None:
        self.all.append(record)
        if self._breaks:
            raise RuntimeError("no disk")


def build(host: FakeHost, records: Records | None = None, stop_timeout_s: float = 5.0) -> Engine:
    policy = EnginePolicy(first_piece=FirstPiece(max_words=0), stop_timeout_s=stop_timeout_s)
    return Engine([host], policy, clock=FakeClock(), observer=records)


def speak(engine: Engine) -> Session:
    session = engine.session(SessionOptions("test"))
    for event in (Open("u", SpeechRequest()), Append("u", TEXT), End("u")):
        session.send(event)
    return session


async def take(session: Session, kind: type[ServerEvent]) -> None:
    while not isinstance(await asyncio.wait_for(session.next(), 5), kind):
        pass


async def test_a_host_that_never_stops_does_not_keep_the_engine(caplog: pytest.LogCaptureFixture) -> None:
    records = Records()
    engine = build(FakeHost(auto=False, hangs=True), records, stop_timeout_s=0.02)
    session = speak(engine)
    while session._utterances and not (session._line[0]._spoken):
        await asyncio.sleep(0)
    with caplog.at_level(logging.ERROR):
        await asyncio.wait_for(engine.stop(), 5)
    assert "did not stop within" in caplog.text
    assert [(record.outcome, record.cancel_to_idle_s) for record in records.all] == [("canceled", None)]
    assert len(asyncio.all_tasks()) == 1


async def test_an_observer_that_breaks_ends_no_session(caplog: pytest.LogCaptureFixture) -> None:
    engine = build(FakeHost(), Records(breaks=True))
    session = speak(engine)
    await take(session, Finished)
    assert "no disk" in caplog.text
    await engine.stop()


async def test_a_drain_ends_in_time_though_a_reader_has_paused() -> None:
    engine = build(FakeHost())
    session = speak(engine)
    await take(session, Audio)
    await asyncio.wait_for(engine.drain(0.02), 5)
    assert len(asyncio.all_tasks()) == 1
    with pytest.raises(Overloaded):
        engine.session(SessionOptions("test"))
    await engine.stop()
    assert await asyncio.wait_for(session.next(), 5) is None


async def test_stopping_leaves_no_task_and_the_session_ended() -> None:
    engine = build(FakeHost(auto=False))
    session = speak(engine)
    await asyncio.sleep(0)
    await engine.stop()
    assert len(asyncio.all_tasks()) == 1
    assert await asyncio.wait_for(session.next(), 5) is None
