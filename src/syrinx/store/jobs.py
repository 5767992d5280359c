"""The repository of ended utterances: written in batches, pruned, and summed up for a window of time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Float, Select, and_, case, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from .rows import JobRow, JobSummary, Retention
from .schema import utterances

DAY_S = 86_400.0
PERCENTILES = (50, 95, 99)


async def insert_jobs(connection: AsyncConnection, rows: Sequence[JobRow]) -> None:
    """Add rows."""
    if rows:
        await connection.execute(insert(utterances), [_storable(row) for row in rows])


async def prune_jobs(connection: AsyncConnection, retention: Retention, now: float) -> int:
    """Remove what is over the bounds; return how many rows that were."""
    columns = utterances.c
    newest = (await connection.execute(select(func.max(columns.id)))).scalar()
    if newest is None:
        return 0
    too_old = columns.ended_at < now - retention.days * DAY_S
    too_many = columns.id <= newest - retention.rows
    return (await connection.execute(delete(utterances).where(too_old | too_many))).rowcount


async def summarize(connection: AsyncConnection, since: float, until: float) -> JobSummary:
    """Sum up what ended in [since, until), Unix seconds."""
    columns = utterances.c
    within = and_(columns.ended_at >= since, columns.ended_at < until)
    row = (await connection.execute(_totals(within))).one()
    ranks = {percent: max(1, math.ceil(row.heard * percent / 100)) for percent in PERCENTILES}
    found = (await connection.execute(_at_ranks(within, sorted(set(ranks.values()))))).all() if row.heard else []
    ttfa_s: dict[int, float] = {one.place: one.ttfa_s for one in found}
    p50, p95, p99 = (ttfa_s.get(ranks[percent]) for percent in PERCENTILES)
    return JobSummary(
        since=since,
        until=until,
        count=row.ended,
        completed=row.completed,
        canceled=row.canceled,
        failed=row.ended - row.completed - row.canceled,
        cached=row.cached,
        ttfa_p50_s=p50,
        ttfa_p95_s=p95,
        ttfa_p99_s=p99,
        mean_xrt=row.xrt,
        mean_rtf=row.rtf,
        audio_s=row.audio_s,
    )


def _totals(within: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    columns = utterances.c
    measured = and_(columns.outcome == "completed", columns.wall_s > 0, columns.audio_s > 0)
    return select(
        func.count().label("ended"),
        _count(columns.outcome == "completed").label("completed"),
        _count(columns.outcome == "canceled").label("canceled"),
        _count(columns.cached).label("cached"),
        func.count(columns.ttfa_s).label("heard"),
        func.avg(case((measured, columns.audio_s / columns.wall_s))).label("xrt"),
        func.avg(case((measured, columns.wall_s / columns.audio_s))).label("rtf"),
        func.coalesce(func.sum(columns.audio_s), 0.0, type_=Float).label("audio_s"),
    ).where(within)


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))


def _at_ranks(within: ColumnElement[bool], ranks: Sequence[int]) -> Select[*tuple[Any, ...]]:
    """The times to first audio at these places of their ascending order (the first is 1): portable percentiles."""
    ttfa_s = utterances.c.ttfa_s
    place = func.row_number().over(order_by=ttfa_s).label("place")
    ordered = select(place, ttfa_s).where(within, ttfa_s.is_not(None)).subquery()
    return select(ordered.c.place, ordered.c.ttfa_s).where(ordered.c.place.in_(ranks))


def _storable(row: JobRow) -> dict[str, object]:
    """Postgres takes no NUL in text, and neither database a lone surrogate; a client may choose its utterance's id."""
    return {
        name: value.encode("utf-8", "replace").decode().replace("\0", "") if isinstance(value, str) else value
        for name, value in asdict(row).items()
    }
