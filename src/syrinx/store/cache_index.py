"""The repository of the response cache's index. The cache itself answers from memory and writes behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from .rows import IndexRow
from .schema import cached_audio

FORGET_S = 90 * 86_400.0
"""An entry that was not used for this long is forgotten, so that folders which are gone leave no rows for ever."""


async def load_index(connection: AsyncConnection, place: str) -> list[IndexRow]:
    """Every entry of a place, the longest unused first."""
    columns = cached_audio.c
    rows = select(columns.key, columns.size, columns.used_at, columns.prompt).where(columns.place == place)
    found = await connection.execute(rows.order_by(columns.used_at))
    return [IndexRow(one.key, one.size, one.used_at, one.prompt) for one in found]


async def change_index(connection: AsyncConnection, place: str, changes: Mapping[str, IndexRow | None]) -> None:
    """Write entries as they are now by key; None: gone."""
    if not changes:
        return
    columns = cached_audio.c
    await connection.execute(delete(cached_audio).where(columns.place == place, columns.key.in_(list(changes))))
    kept = [{"place": place, **asdict(row)} for row in changes.values() if row is not None]
    if kept:
        await connection.execute(insert(cached_audio), kept)


async def prune_index(connection: AsyncConnection, now: float) -> None:
    """Remove what was not used for ``FORGET_S``, of any place."""
    await connection.execute(delete(cached_audio).where(cached_audio.c.used_at < now - FORGET_S))
