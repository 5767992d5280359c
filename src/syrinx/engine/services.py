"""What an utterance stands on: the engine's services, and its place in its session."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from syrinx.core.clock import Clock
from syrinx.core.types import ServerEvent
from syrinx.engine.catalog import Choice
from syrinx.engine.gate import Gate
from syrinx.engine.playhead import Player
from syrinx.engine.policy import EnginePolicy
from syrinx.engine.record import UtteranceRecord
from syrinx.workers.host import ModelHost

if TYPE_CHECKING:
    from syrinx.engine.utterance import Utterance


@dataclass(frozen=True, slots=True)
class Services:
    """What an utterance needs of the engine."""

    resolve: Callable[[str | None, str | None], Choice]
    gate: Callable[[ModelHost], Gate]
    using: Callable[[ModelHost], AbstractContextManager[None]]
    """Keeps a model running, also one that was replaced."""
    policy: EnginePolicy
    clock: Clock
    observe: Callable[[UtteranceRecord], None]
    """Told once of every utterance; does not raise."""
    executor: Executor
    report: Callable[[BaseException], None]
    """Told of errors that are nobody's on purpose."""
    background: Callable[[Coroutine[None, None, None]], object]
    """Runs something to its end that nobody waits for."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in its session an utterance stands."""

    timeline: Callable[[], str]
    """Who listens, as the scheduler knows it once the utterance starts; empty: nobody hears others with it."""
    player: Player
    emit: Callable[[ServerEvent, Utterance], None]
    """Tell the client an event of that utterance."""
    room: Callable[[], Awaitable[object]]
    """Returns when the client has taken enough for more audio to be made."""
    owner: str
