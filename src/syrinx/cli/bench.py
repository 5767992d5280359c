"""``syrinx bench``."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter, validators

from .progress import StatusLine, bar
from .table import print_json, print_table
from .target import AS_USUAL, Asked

if TYPE_CHECKING:
    from syrinx.client.load import Summary
    from syrinx.client.takes import Take


def bench(
    *,
    n: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=100_000), help="Requests in all.")] = 40,
    concurrency: Annotated[
        int,
        Parameter(validator=validators.Number(gte=1, lte=1000), help="Requests at once, each on its own connection."),
    ] = 12,
    asked: Asked = AS_USUAL,
    json: Annotated[bool, Parameter(help="Print JSON.")] = False,
) -> int:
    """Time many requests to a running server. One more goes before, uncounted. Exits with 1 if any failed."""
    from syrinx.client.load import probe, run_number

    line, plan = StatusLine(), asked.plan(concurrency)
    done = Counter[str]()

    def on_take(take: Take) -> None:
        done["all"] += 1
        done["rejected"] += take.rejected
        line.show(f"{bar(done['all'] / n)} {done['all']} of {n} requests, {done['rejected']} rejected,")

    async def run() -> Summary:
        await probe(plan)
        return await run_number(plan, n, on_take)

    try:
        summary = asyncio.run(run())
    finally:
        line.clear()
    report = figures(summary) | {"dialect": asked.dialect, "mode": asked.mode, "concurrency": concurrency}
    if json:
        print_json(report)
    else:
        show(report)
    return 1 if summary.failed or not summary.spoken else 0


def figures(summary: Summary) -> dict[str, Any]:
    """Everything that is reported, seconds unless named otherwise."""
    errors = Counter(take.error.code for take in summary.takes if take.error is not None and not take.rejected)
    return {
        "requests": len(summary.takes),
        "spoken": len(summary.spoken),
        "rejected": summary.rejected,
        "failed": summary.failed,
        "errors": dict(errors),
        "elapsed_s": summary.elapsed_s,
        "audio_s": summary.audio_s,
        "chunks": summary.chunks,
        "total_xrt": summary.audio_s / summary.elapsed_s if summary.elapsed_s else None,
        "per_minute": summary.per_minute,
        "ttfb_s": summary.spread(lambda take: take.ttfb_s),
        "first_audible_s": summary.spread(lambda take: take.audible_s),
        "wall_s": summary.spread(lambda take: take.wall_s),
        "rtf": summary.spread(lambda take: take.wall_s / take.audio_s if take.audio_s else None),
        "xrt": summary.spread(lambda take: take.audio_s / take.wall_s if take.wall_s else None),
    }


def show(report: dict[str, Any]) -> None:
    """Print a report for people."""
    print(
        f"{report['requests']} requests, {report['concurrency']} at once, {report['dialect']}, {report['mode']}: "
        f"{report['spoken']} spoken, {report['rejected']} rejected, {report['failed']} failed"
        + "".join(f", {count} x {code}" for code, count in report["errors"].items())
    )
    rows = [
        ("first byte, ms", *_cells(report["ttfb_s"], 1000, 1)),
        ("first audible, ms", *_cells(report["first_audible_s"], 1000, 1)),
        ("whole request, ms", *_cells(report["wall_s"], 1000, 1)),
        ("RTF (time / audio)", *_cells(report["rtf"], 1, 4)),
        ("x real time", *_cells(report["xrt"], 1, 1)),
    ]
    print_table(("", "MEAN", "P50", "P95", "MAX"), rows)
    xrt = report["total_xrt"]
    print(
        f"{report['audio_s']:.1f} s of audio in {report['chunks']} chunks and {report['elapsed_s']:.1f} s"
        + (f": {xrt:.1f} x real time together" if xrt is not None else "")
    )


def _cells(spread: dict[str, float | None], factor: float, digits: int) -> list[str]:
    values = (spread[name] for name in ("mean", "p50", "p95", "max"))
    return ["-" if value is None else f"{value * factor:.{digits}f}" for value in values]
