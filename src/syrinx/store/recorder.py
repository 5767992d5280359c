"""The thread that talks to the database: opens it, writes what waits, prunes. Nothing else ever waits for it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from syrinx.core.errors import ConfigError

from .address import Address
from .backlog import Backlog, Batch
from .rows import IndexRow, JobRow, Retention

if TYPE_CHECKING:
    from .database import Database

_log = logging.getLogger("syrinx.store")

GATHER_S = 0.5
"""From the first thing that waits to the write, and between two writes: one transaction for many, and no thread that
is at work all the time. It takes the interpreter from those who speak."""
WRITE_S = 60.0
"""Longest time for one batch: a database that hangs is left, and tried anew."""
FIRST_REST_S = 1.0
"""Before a database that was away is tried again; doubles from then on ..."""
MAX_REST_S = 30.0
"""... up to this."""
PRUNE_EVERY_S = 600.0
CLOSE_S = 2.0
"""Longest wait for the last writes at the end."""


class Recorder:
    """Give rows at any time, from any thread; ``start`` once, ``close`` last."""

    def __init__(
        self,
        address: Address,
        retention: Retention | None = None,
        *,
        place: str = "",
        wall_clock: Callable[[], float] = time.time,
        on_refused: Callable[[ConfigError], None] | None = None,
    ) -> None:
        """``place``: the response cache whose index is kept. ``on_refused`` is told, in the recorder's thread, of a
        database that can never be used as things are (see ``open_database``)."""
        self._address = address
        self._retention = retention or Retention()
        self._place = place
        self._wall_clock = wall_clock
        self._on_refused = on_refused
        self._backlog = Backlog()
        self._thread = threading.Thread(target=self._run, name="syrinx-database", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._news = asyncio.Event()
        self._closing = threading.Event()
        self._prune_at = 0.0
        self.index: concurrent.futures.Future[list[IndexRow]] = concurrent.futures.Future()
        """The cache's entries once the database is open, the longest unused first."""

    @property
    def dropped(self) -> int:
        """Rows that were lost because the database was away for too long."""
        return self._backlog.dropped

    def start(self) -> None:
        """Open the database in the background and begin to write."""
        self._thread.start()

    def add_job(self, row: JobRow) -> None:
        """Record an ended utterance. Returns at once."""
        if self._backlog.add_job(row):
            self._wake()

    def change_index(self, key: str, row: IndexRow | None) -> None:
        """Record a cache entry's new state; None: gone. Returns at once."""
        if self._backlog.change_index(key, row):
            self._wake()

    def close(self, timeout_s: float = CLOSE_S) -> None:
        """Write what waits, at most ``timeout_s`` long; what is left then is lost. Idempotent."""
        self._closing.set()
        self._wake()
        if self._thread.is_alive():
            self._thread.join(timeout_s)  # a daemon: one that hangs dies with the process
        self.index.cancel()
        if lost := self._backlog.lose_rest():
            _log.warning("%d rows could not be recorded", lost)

    # --- the thread -------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        loop = self._loop
        if loop is not None:
            try:
                loop.call_soon_threadsafe(self._news.set)
            except RuntimeError:
                pass  # the loop was closed just now: the thread has ended

    def _run(self) -> None:
        try:
            asyncio.run(self._record())
        except ConfigError as error:
            _log.error("%s", error)
            self.index.cancel()
            if self._on_refused is not None:
                self._on_refused(error)
        except Exception:  # noqa: BLE001  who records must not break what is recorded, and a bug must be told
            _log.exception("A bug in the server: nothing is recorded any more")
            self.index.cancel()

    async def _record(self) -> None:
        """Keep the database open and written to, until the end. Raises ``ConfigError``."""
        from .database import FAULTS, open_database, words_of  # half a second of imports

        self._loop = asyncio.get_running_loop()
        rest_s = FIRST_REST_S
        while True:
            try:
                async with asyncio.timeout(WRITE_S):
                    database = await open_database(self._address)
                try:
                    rest_s = FIRST_REST_S
                    await self._record_in(database)
                    return
                finally:
                    await _close(database)
            except FAULTS as error:
                if self._closing.is_set():
                    return
                _log.warning("The database is away, next try in %g s: %s", rest_s, words_of(error))
                await self._rest(rest_s)
                rest_s = min(MAX_REST_S, rest_s * 2)

    async def _record_in(self, database: Database) -> None:
        """Write until the end. Raises what a database raises that goes away."""
        if not self.index.done():
            rows = await self._load_index(database)
            if self.index.set_running_or_notify_cancel():  # who waited for it may have gone meanwhile
                self.index.set_result(rows)
        while True:
            batch = self._backlog.take()
            if batch.size:
                await self._write(database, batch)
            elif self._closing.is_set():
                return
            else:
                self._news.clear()
                if not self._closing.is_set():
                    await self._news.wait()
            if not batch.full:
                await self._rest(GATHER_S)

    async def _load_index(self, database: Database) -> list[IndexRow]:
        from .cache_index import load_index

        if not self._place:
            return []
        async with asyncio.timeout(WRITE_S), database.reading() as connection:
            return await load_index(connection, self._place)

    async def _write(self, database: Database, batch: Batch) -> None:
        from sqlalchemy.exc import DBAPIError

        from .database import is_hopeless, words_of

        try:
            async with asyncio.timeout(WRITE_S):
                await self._write_now(database, batch)
        except DBAPIError as error:
            if not is_hopeless(error):
                self._backlog.give_back(batch)
                raise
            _log.error("The database refuses %d rows: %s", batch.size, words_of(error))
            self._backlog.lose(batch)
        except BaseException:
            self._backlog.give_back(batch)
            raise

    async def _write_now(self, database: Database, batch: Batch) -> None:
        from .cache_index import change_index, prune_index
        from .jobs import insert_jobs, prune_jobs

        now = self._wall_clock()
        async with database.writing() as connection:
            await insert_jobs(connection, batch.jobs)
            await change_index(connection, self._place, batch.index)
            if now >= self._prune_at:
                self._prune_at = now + PRUNE_EVERY_S
                await prune_jobs(connection, self._retention, now)
                await prune_index(connection, now)

    async def _rest(self, seconds: float) -> None:
        """Wait; the end of the server ends it."""
        until = asyncio.get_running_loop().time() + seconds
        while not self._closing.is_set() and (left_s := until - asyncio.get_running_loop().time()) > 0:
            self._news.clear()
            try:
                async with asyncio.timeout(left_s):
                    await self._news.wait()
            except TimeoutError:
                return


async def _close(database: Database) -> None:
    """Close what may hang, or be gone already."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await database.close()
    except Exception as error:  # noqa: BLE001  a connection that is lost anyway may fail in any way
        _log.info("The database was not closed cleanly: %s", error)
