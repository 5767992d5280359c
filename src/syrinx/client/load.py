"""Many transactions at once: a number of them, or as many as a time allows."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass

from syrinx.core.clock import Clock, SystemClock
from syrinx.core.errors import Overloaded, SyrinxError

from .speakers import Target, speaker
from .takes import Take, mean, percentile, take

OnTake = Callable[[Take], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What each transaction says and how."""

    target: Target
    dialect: str
    texts: Sequence[str]
    """Spoken one after the other on one connection."""
    concurrency: int = 1
    """Most transactions at once."""


@dataclass(frozen=True, slots=True)
class Summary:
    """All takes together. Figures are of those that were spoken; None where none was."""

    takes: Sequence[Take]
    elapsed_s: float

    @property
    def spoken(self) -> list[Take]:
        return [take for take in self.takes if take.error is None]

    @property
    def rejected(self) -> int:
        """Those that a busy server refused."""
        return sum(take.rejected for take in self.takes)

    @property
    def failed(self) -> int:
        """Those that ended in any other error."""
        return len(self.takes) - len(self.spoken) - self.rejected

    @property
    def audio_s(self) -> float:
        return sum(take.audio_s for take in self.spoken)

    @property
    def chunks(self) -> int:
        return sum(take.chunks for take in self.spoken)

    @property
    def per_minute(self) -> float:
        """Spoken transactions a minute."""
        return len(self.spoken) / self.elapsed_s * 60 if self.elapsed_s else 0.0

    def spread(self, figure: Callable[[Take], float | None]) -> dict[str, float | None]:
        """``mean``, ``p50``, ``p95`` and ``max`` of a figure."""
        values = [value for take in self.spoken if (value := figure(take)) is not None]
        shares = {"p50": percentile(values, 50), "p95": percentile(values, 95)}
        return {"mean": mean(values), **shares, "max": max(values, default=None)}


async def probe(plan: Plan) -> None:
    """Speak once, uncounted: an address, key, dialect or voice that cannot work raises here. A busy server does not."""
    result = await transaction(plan, SystemClock())
    if result.error is not None and not result.rejected:
        raise result.error


async def run_number(plan: Plan, number: int, on_take: OnTake, clock: Clock | None = None) -> Summary:
    """Make ``number`` transactions; ``on_take`` is told of each."""
    clock = clock or SystemClock()
    takes: list[Take] = []
    numbers = iter(range(number))
    began = clock.now()

    async def work() -> None:
        for _ in numbers:
            takes.append(await transaction(plan, clock))
            on_take(takes[-1])

    await _at_once(work, min(plan.concurrency, number))
    return Summary(takes, clock.now() - began)


async def run_seconds(plan: Plan, seconds: float, on_take: OnTake, clock: Clock | None = None) -> Summary:
    """Make transactions for so long; those not finished then are broken off and not counted."""
    clock = clock or SystemClock()
    takes: list[Take] = []

    async def work() -> None:
        for _ in itertools.count():
            takes.append(await transaction(plan, clock))
            on_take(takes[-1])
            error = takes[-1].error
            if error is not None:
                await asyncio.sleep(error.retry_after_s if isinstance(error, Overloaded) else FAILED_PAUSE_S)

    try:
        async with asyncio.timeout(seconds):
            await _at_once(work, plan.concurrency)
    except TimeoutError:
        pass
    return Summary(takes, seconds)


FAILED_PAUSE_S = 0.2
"""After a failed transaction, so that a server that is down is not hammered."""


async def transaction(plan: Plan, clock: Clock) -> Take:
    """One connection, all texts of the plan. The clock starts when it is open."""
    here = speaker(plan.dialect, plan.target)
    began = clock.now()
    try:
        await here.open()
        return await take(here, plan.texts, clock)
    except SyrinxError as error:  # refused before there was anything to time
        return Take(wall_s=clock.now() - began, error=error)
    finally:
        await here.close()


async def _at_once(work: Callable[[], Coroutine[None, None, None]], count: int) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(work())
