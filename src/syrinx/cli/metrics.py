"""``syrinx metrics``."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from syrinx.core.errors import InvalidRequest

from .folder import settings_of
from .progress import StatusLine
from .table import print_json, print_table

if TYPE_CHECKING:
    from syrinx.config import Settings
    from syrinx.store.rows import JobSummary

PERIODS = "1h,6h,12h,24h,3d"
UNITS_S = {"m": 60, "h": 3600, "d": 86_400}
LONGEST_S = 3660 * 86_400
"""Ten years; nothing is kept so long."""
HEAD = (
    "PERIOD",
    "ALL",
    "CANCELED",
    "FAILED",
    "CACHED",
    "P50 MS",
    "P95 MS",
    "P99 MS",
    "RTF",
    "X REAL TIME",
    "AUDIO S",
)


@dataclass(frozen=True, slots=True)
class Period:
    """A window that ends now."""

    name: str
    seconds: int


def metrics(
    *,
    periods: Annotated[str, Parameter(help="Windows that end now: numbers with m, h or d.")] = PERIODS,
    json: Annotated[bool, Parameter(help="Print JSON.")] = False,
    data_dir: Annotated[Path | None, Parameter(help="The server's data folder (.data).")] = None,
    config: Annotated[Path | None, Parameter(help="TOML file of settings (docs/settings.md).")] = None,
) -> int:
    """Sum up what was spoken in the last minutes, hours and days, from the server's database."""
    windows = parse_periods(periods)
    found = asyncio.run(_summaries(settings_of(data_dir, config), windows))
    if json:
        print_json([_fields(window, summary) for window, summary in zip(windows, found, strict=True)])
    else:
        print_table(HEAD, [_cells(window, summary) for window, summary in zip(windows, found, strict=True)])
        print("ms: from the request to the first audio. RTF, x real time: means over what was spoken to its end.")
    return 0


def parse_periods(text: str) -> list[Period]:
    """Read ``"30m,1h,3d"``. Raises ``InvalidRequest`` for anything else."""
    return [_period(part.strip()) for part in text.split(",")]


def _period(text: str) -> Period:
    match = re.fullmatch(r"([0-9]{1,9})([mhd])", text.lower(), re.ASCII)
    seconds = int(match[1]) * UNITS_S[match[2]] if match else 0
    if not 0 < seconds <= LONGEST_S:
        raise InvalidRequest(f"{text!r} is no period; give numbers with m, h or d, such as 30m,1h,3d.", param="periods")
    return Period(text, seconds)


async def _summaries(settings: Settings, windows: Sequence[Period]) -> list[JobSummary]:
    from syrinx.store.history import open_history

    now, line = time.time(), StatusLine()
    found: list[JobSummary] = []
    try:
        async with open_history(settings.database_url, settings.data_dir) as history:
            for window in windows:
                line.show(f"Summing up {window.name}")
                found.append(await history.summary(now - window.seconds, now))
    finally:
        line.clear()
    return found


def _fields(window: Period, summary: JobSummary) -> dict[str, object]:
    rates = {"canceled_rate": summary.canceled_rate, "failed_rate": summary.failed_rate}
    return {"period": window.name, **asdict(summary), **rates}


def _cells(window: Period, summary: JobSummary) -> tuple[str, ...]:
    return (
        window.name,
        str(summary.count),
        _share(summary.canceled, summary.canceled_rate),
        _share(summary.failed, summary.failed_rate),
        str(summary.cached),
        _number(summary.ttfa_p50_s, 1000, 1),
        _number(summary.ttfa_p95_s, 1000, 1),
        _number(summary.ttfa_p99_s, 1000, 1),
        _number(summary.mean_rtf, 1, 4),
        _number(summary.mean_xrt, 1, 1),
        f"{summary.audio_s:.1f}",
    )


def _share(count: int, rate: float | None) -> str:
    return str(count) if rate is None else f"{count} ({rate:.1%})"


def _number(value: float | None, factor: float, digits: int) -> str:
    return "-" if value is None else f"{value * factor:.{digits}f}"
