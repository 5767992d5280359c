"""What ``syrinx metrics`` reads: figures of ended utterances, by window of time. Cheap to import."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from syrinx.core.errors import ConfigError

from .address import address_of
from .rows import JobSummary

if TYPE_CHECKING:
    from .database import Database

__all__ = ["History", "JobSummary", "open_history"]


class History:
    """The utterances that were recorded. Get it from ``open_history``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def summary(self, since: float, until: float | None = None) -> JobSummary:
        """Sum up what ended from ``since`` on and before ``until`` (None: now), both Unix seconds."""
        from .jobs import summarize

        async with self._database.reading() as connection:
            return await summarize(connection, since, time.time() if until is None else until)


@asynccontextmanager
async def open_history(database_url: str, data_dir: Path) -> AsyncGenerator[History, None]:
    """Open what ``Settings.database_url`` and ``Settings.data_dir`` name; a server may be writing to it.

    Raises ``ConfigError`` where there is nothing recorded yet, the database cannot be reached, or it is newer than this
    Syrinx.
    """
    address = address_of(database_url, data_dir)
    if address.file is not None and not address.file.exists():
        raise ConfigError(f"Nothing was recorded yet: there is no {address.file}.")
    from .database import FAULTS, open_database, words_of

    try:
        database = await open_database(address)
    except FAULTS as error:
        raise ConfigError(f"The database {address} cannot be read: {words_of(error)}.") from None
    try:
        yield History(database)
    finally:
        await database.close()
