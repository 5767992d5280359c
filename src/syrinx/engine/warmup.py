"""The warm-up: a throwaway text through the whole chain, so that the first listener does not pay for what is lazy.

Readiness does not wait for it: a worker says that it is ready only after a synthesis of its own (``workers.main``).
This one also fills what a model builds at its first real sentence (compiled graphs, caches), and tells who asks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from syrinx.core.clock import Clock
from syrinx.core.errors import ModelNotReady, SyrinxError
from syrinx.core.types import Append, End, Failed, Finished, Open, SpeechRequest
from syrinx.engine.policy import WarmUpPolicy
from syrinx.engine.session import Session

_log = logging.getLogger("syrinx.engine")

AUTO = "auto"
UTTERANCE = "warmup"

Background = Callable[[Coroutine[None, None, None]], asyncio.Task[None]]
Speak = Callable[[SpeechRequest, str], Awaitable[None]]
"""Speaks a text to nobody and returns at its end. Raises ``SyrinxError``."""


@dataclass(frozen=True, slots=True)
class WarmUpState:
    """What became of it so far. Times are ISO 8601 in UTC."""

    status: Literal["not_started", "running", "ready", "error"] = "not_started"
    """Of the default model as it is loaded now."""
    runs: int = 0
    """Begun since the start of the server, whatever the model."""
    last_reason: str | None = None
    last_started_at: str | None = None
    last_completed_at: str | None = None
    last_duration_ms: float | None = None
    last_error: str | None = None
    """A full sentence; None: the last one that ended went well."""


class WarmUp:
    """At most one runs at a time. Errors are kept in ``state`` and never raised."""

    def __init__(self, policy: WarmUpPolicy, speak: Speak, background: Background, clock: Clock) -> None:
        self.state = WarmUpState()
        self._policy = policy
        self._speak = speak
        self._background = background
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    async def trigger(self, wait: bool = False, force: bool = False, reason: str = "as asked") -> bool:
        """Begin one if none runs and none went well yet (or ``force``); True: begun. ``wait``: until the one that runs
        now, this or another, has ended."""
        begun = self._begin(reason) if force or self.state.status in ("not_started", "error") else False
        if wait and self._task is not None:
            await asyncio.wait([self._task])
        return begun

    def reset(self) -> None:
        """The default model is another one now: what was learnt is void."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self.state = replace(self.state, status="not_started", last_error=None)

    def _begin(self, reason: str) -> bool:
        if self._task is not None:
            return False
        self.state = replace(
            self.state, status="running", runs=self.state.runs + 1, last_reason=reason, last_started_at=_now()
        )
        self._task = self._background(self._run())
        return True

    async def _run(self) -> None:
        began = self._clock.now()
        error = await self._fault()
        took_ms = round((self._clock.now() - began) * 1000, 3)
        if error is not None:
            _log.warning("The warm-up failed: %s", error)
        self._task = None
        self.state = replace(
            self.state,
            status="ready" if error is None else "error",
            last_completed_at=_now(),
            last_duration_ms=took_ms,
            last_error=error,
        )

    async def _fault(self) -> str | None:
        """Speak; return what went wrong, as a sentence."""
        policy = self._policy
        request = SpeechRequest(language=None if policy.language in ("", AUTO) else policy.language, cache=False)
        try:
            async with asyncio.timeout(policy.timeout_s):
                await self._speak(request, policy.text)
        except SyrinxError as error:
            return str(error)
        except TimeoutError:
            return f"It took longer than {policy.timeout_s:g} s."
        except Exception as error:  # noqa: BLE001  a bug here must not take the server with it
            _log.exception("A bug in the server")
            return f"It failed inside the server: {type(error).__name__}."
        return None


async def speak_through(session: Session, request: SpeechRequest, text: str) -> None:
    """Speak in a session of its own, drop the audio and close it. Raises what ended it early."""
    try:
        for event in (Open(UTTERANCE, request), Append(UTTERANCE, text), End(UTTERANCE)):
            session.send(event)
        while (told := await session.next()) is not None:
            if isinstance(told, Failed):
                raise told.error
            if isinstance(told, Finished):
                return
        raise ModelNotReady("The server is shutting down.")
    finally:
        session.close()


def _now() -> str:
    return datetime.now(UTC).isoformat()
