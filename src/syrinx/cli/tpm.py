"""``syrinx tpm``."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, validators

from .bench import figures, show
from .progress import StatusLine, bar
from .table import print_json
from .target import AS_USUAL, Asked

if TYPE_CHECKING:
    from syrinx.client.load import Summary
    from syrinx.client.takes import Take

TICK_S = 0.2


def tpm(
    *,
    duration: Annotated[
        float,
        Parameter(validator=validators.Number(gt=0, lte=86_400), help="Seconds; what is not done then is not counted."),
    ] = 60.0,
    concurrency: Annotated[
        int, Parameter(validator=validators.Number(gte=1, lte=1000), help="Transactions at once.")
    ] = 4,
    asked: Asked = AS_USUAL,
    json: Annotated[bool, Parameter(help="Print JSON.")] = False,
) -> int:
    """Count the transactions a minute that a running server speaks. A transaction is the text, or all its sentences."""
    summary = asyncio.run(_run(asked, duration, concurrency))
    report = figures(summary) | {"dialect": asked.dialect, "mode": asked.mode, "concurrency": concurrency}
    if json:
        print_json(report)
    else:
        show(report)
        print(f"{summary.per_minute:.1f} transactions a minute")
    return 1 if summary.failed or not summary.spoken else 0


async def _run(asked: Asked, duration: float, concurrency: int) -> Summary:
    from syrinx.client.load import probe, run_seconds

    plan, done = asked.plan(concurrency), Counter[str]()
    await probe(plan)

    def on_take(take: Take) -> None:
        done["spoken" if take.error is None else "rejected" if take.rejected else "failed"] += 1

    ticking = asyncio.create_task(_tick(done, duration))
    try:
        return await run_seconds(plan, duration, on_take)
    finally:
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)


async def _tick(done: Counter[str], duration: float) -> None:
    line, began = StatusLine(), time.monotonic()
    try:
        while True:
            share = (time.monotonic() - began) / duration
            line.show(f"{bar(share)} {done['spoken']} transactions, {done['rejected']} rejected,")
            await asyncio.sleep(TICK_S)
    finally:
        line.clear()
