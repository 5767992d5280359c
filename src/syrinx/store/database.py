"""A connection pool on the database, migrated when it is opened. Both kinds of database behave alike behind this."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from syrinx.core.errors import ConfigError

from .address import Address
from .migrate import is_current, migrate

BUSY_S = 5.0
"""Longest wait for another process that writes the same SQLite file."""
CONNECT_S = 10.0
COMMAND_S = 30.0
"""Longest time one statement may take on Postgres."""


class Database:
    """An open database. Make it with ``open_database``; use it from the event loop that opened it."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncConnection, None]:
        """A connection in a transaction that only reads."""
        async with self._engine.connect() as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[AsyncConnection, None]:
        """A connection in a transaction, committed at the end of the block unless that raised."""
        async with self._engine.connect() as connection:
            await connection.execution_options(writes=True)
            async with connection.begin():
                yield connection

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


async def open_database(address: Address) -> Database:
    """Connect and migrate.

    Raises ``ConfigError`` for what will not mend by itself (a newer database, a URL that is none, a file that cannot be
    made), else ``OSError``, ``TimeoutError`` or ``DBAPIError``: try again later.
    """
    if address.file is not None:
        _make_file(address)
    engine = _engine(address)
    database = Database(engine)
    try:
        async with database.reading() as connection:
            current = await connection.run_sync(is_current)
        if not current:
            async with database.writing() as connection:
                await connection.run_sync(migrate, str(address))
    except TypeError as error:  # the driver was handed an option of the URL that it does not have
        await engine.dispose()
        raise ConfigError(f"database_url has an option that is not known: {error}.", param="database_url") from None
    except BaseException:
        await engine.dispose()
        raise
    return database


def is_hopeless(error: DBAPIError) -> bool:
    """Whether the rows are to blame and not the database, so that trying again is no use."""
    state: object = getattr(error.orig, "sqlstate", None)  # asyncpg's
    blamed = isinstance(state, str) and state.startswith(BAD_DATA)
    return blamed or isinstance(error, DataError | IntegrityError | ProgrammingError)


def words_of(error: Exception) -> str:
    """What a database said, in one line."""
    said = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return (str(said) or type(said).__name__).splitlines()[0].rpartition("Error'>: ")[2]


def _make_file(address: Address) -> None:
    """Make the file where there is none, for this user alone."""
    assert address.file is not None
    try:
        address.file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(address.file, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise ConfigError(f"The database {address} cannot be made: {error.strerror or error}.") from None


def _engine(address: Address) -> AsyncEngine:
    """One connection: the writer is one, and so is a reader of figures."""
    sqlite = address.file is not None
    try:
        engine = create_async_engine(
            address.url,
            poolclass=AsyncAdaptedQueuePool,
            pool_size=1,
            max_overflow=0,
            pool_timeout=CONNECT_S,
            pool_pre_ping=not sqlite,
            connect_args={"timeout": BUSY_S} if sqlite else {"timeout": CONNECT_S, "command_timeout": COMMAND_S},
        )
    except ArgumentError:
        raise ConfigError("database_url is no URL.", param="database_url") from None
    if sqlite:
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: Any) -> None:
    """WAL, so that readers and the writer do not wait for each other; transactions begin when we say, DDL included."""
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        cursor.execute("PRAGMA journal_mode")
        if cursor.fetchone()[0] != "wal":
            cursor.execute("PRAGMA journal_mode=WAL")  # needs the file to itself, and does not wait for it
        cursor.execute("PRAGMA synchronous=NORMAL")
    finally:
        cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the file's lock at once: one that began as a reader could not wait for it."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


BAD_DATA = ("22", "23")
"""SQLSTATE classes: data exception, integrity constraint violation."""
FAULTS = (OSError, TimeoutError, DBAPIError)
"""What a database raises that is away, full or slow."""
