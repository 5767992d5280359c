"""A pretended device: it is busy until a moment, and whoever uses it waits for that moment."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from syrinx.core.clock import Clock, SystemClock

LATE_S = 0.005
"""A sleeper on a busy machine may be woken this late; within it steps still add up to the stated speed."""


def _die() -> None:
    os._exit(70)  # 70: EX_SOFTWARE of sysexits.h, an internal software error; no clean-up, as in a real crash


@dataclass(frozen=True, slots=True)
class Effects:
    """What the tone model does to the world; tests pass their own."""

    clock: Clock = field(default_factory=SystemClock)
    sleep: Callable[[float], None] = time.sleep
    crash: Callable[[], None] = _die


class Device:
    """Turns costs into waiting. Absolute time is kept, so that many short costs add up without drift."""

    def __init__(self, effects: Effects) -> None:
        self._effects = effects
        self._busy_until = effects.clock.now()

    def spend(self, seconds: float) -> None:
        """Be busy for ``seconds`` (>= 0) and wait for the end of it.

        Work asked for at most one such cost (or ``LATE_S``) after the last one ended counts as asked for right then:
        the lateness is made up for. After a longer pause the device was idle, and the full cost is waited for.
        """
        now = self._effects.clock.now()
        late = now - self._busy_until
        start = self._busy_until if late <= max(seconds, LATE_S) else now
        self._busy_until = start + seconds
        if self._busy_until > now:
            self._effects.sleep(self._busy_until - now)
