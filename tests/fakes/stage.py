"""An engine over a fake model and a fake clock, and the small words that session tests are written in."""

import asyncio

from syrinx.core.clock import FakeClock
from syrinx.core.types import (
    Append,
    ClientEvent,
    End,
    Failed,
    Finished,
    Open,
    ServerEvent,
    SpeechRequest,
)
from syrinx.engine.engine import Engine
from syrinx.engine.policy import EnginePolicy, FirstPiece, SessionOptions
from syrinx.engine.record import UtteranceRecord
from syrinx.engine.session import Session
from tests.fakes.host import FakeHost

TEXT = "One two three. Four five six. Seven eight nine."


class Records:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.all: list[UtteranceRecord] = []

    def utterance_ended(self, record: UtteranceRecord) -> None:
        self.all.append(record)


class Stage:
    """An engine over a fake model, with everything a test looks at."""

    def __init__(self, *, auto: bool = True, policy: EnginePolicy | None = None) -> None:
        self.host = FakeHost(auto=auto)
        self.clock = FakeClock(100.0)
        self.records = Records()
        whole = EnginePolicy(first_piece=FirstPiece(max_words=0))
        self.engine = Engine([self.host], policy or whole, clock=self.clock, observer=self.records)

    def session(self, **options: object) -> Session:
        return self.engine.session(SessionOptions(protocol="test", **options))  # type: ignore[arg-type]


def send_all(session: Session, *events: ClientEvent) -> None:
    for event in events:
        session.send(event)


def whole(utterance_id: str, text: str = TEXT, request: SpeechRequest | None = None) -> list[ClientEvent]:
    return [Open(utterance_id, request or SpeechRequest()), Append(utterance_id, text), End(utterance_id)]


async def events_until_end(session: Session, *, ends: int = 1) -> list[ServerEvent]:
    seen: list[ServerEvent] = []
    while sum(isinstance(event, Finished | Failed) for event in seen) < ends:
        event = await asyncio.wait_for(session.next(), 5)
        assert event is not None
        seen.append(event)
    return seen


SETTLE_S = 0.004
"""For the audio chain's threads, and for work that gives the loop its turn back where it takes long."""


async def settle() -> None:
    """Let everything run that can."""
    for pause_s in (0.0, SETTLE_S, 0.0):
        await asyncio.sleep(pause_s)
        for _ in range(20):
            await asyncio.sleep(0)


def kinds(events: list[ServerEvent]) -> list[str]:
    """Names of the events, runs of Audio as one."""
    names = [type(event).__name__ for event in events]
    return [name for i, name in enumerate(names) if name != "Audio" or i == 0 or names[i - 1] != "Audio"]
