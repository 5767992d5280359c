"""The thread that writes: nothing waits for it, it survives its database, and it ends in time."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from syrinx.core.errors import ConfigError
from syrinx.store import recorder as recorder_module
from syrinx.store.address import Address, address_of
from syrinx.store.cache_index import FORGET_S
from syrinx.store.database import open_database
from syrinx.store.recorder import Recorder
from syrinx.store.rows import IndexRow, Retention
from syrinx.store.schema import cached_audio, utterances
from tests.store.rows import job

NOW = 1000.0
"""When the rows of these tests ended."""
WAIT_S = 15.0
"""Longest wait for what happens within a moment on a machine that is not stuck."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "GATHER_S", 0.01)
    monkeypatch.setattr(recorder_module, "FIRST_REST_S", 0.05)
    monkeypatch.setattr(recorder_module, "MAX_REST_S", 0.1)


@contextmanager
def recording(address: Address, **options: Any) -> Iterator[Recorder]:
    recorder = Recorder(address, **{"wall_clock": lambda: NOW, **options})
    recorder.start()
    try:
        yield recorder
    finally:
        recorder.close(WAIT_S)


async def ids(address: Address) -> list[str]:
    database = await open_database(address)
    async with database.reading() as connection:
        rows = await connection.execute(select(utterances.c.utterance_id).order_by(utterances.c.id))
        found = list(rows.scalars())
    await database.close()
    return found


async def until_written(address: Address, count: int) -> None:
    async with asyncio.timeout(WAIT_S):
        while True:
            with suppress(DBAPIError):  # two that open a new file at once: one of them may have to try again
                if len(await ids(address)) >= count:
                    return
            await asyncio.sleep(0.02)


async def test_what_is_given_at_any_time_is_written_in_order(address: Address) -> None:
    with recording(address) as recorder:
        for number in range(1200):
            recorder.add_job(job(utterance_id=str(number)))
    assert await ids(address) == [str(number) for number in range(1200)]
    assert recorder.dropped == 0


async def test_rows_arrive_while_it_runs(address: Address) -> None:
    with recording(address) as recorder:
        for number in range(3):
            recorder.add_job(job(utterance_id=str(number)))
            await until_written(address, number + 1)


async def test_the_caches_index_is_loaded_and_kept_by_place(address: Address) -> None:
    with recording(address, place="here") as recorder:
        assert await asyncio.wrap_future(recorder.index) == []
        for number in range(3):
            recorder.change_index(str(number), IndexRow(str(number), number, 10.0 - number, "voice"))
        recorder.change_index("1", None)
    with recording(address, place="there") as other:
        assert await asyncio.wrap_future(other.index) == []
        other.change_index("2", IndexRow("2", 99, 1.0))
    with recording(address, place="here") as again:
        kept = [IndexRow("2", 2, 8.0, "voice"), IndexRow("0", 0, 10.0, "voice")]
        assert await asyncio.wrap_future(again.index) == kept


async def test_old_rows_are_pruned_with_the_first_write(address: Address) -> None:
    now = FORGET_S * 2
    with recording(address, place="here", wall_clock=lambda: now) as recorder:
        recorder.change_index("old", IndexRow("old", 1, now - FORGET_S - 1))
        recorder.change_index("new", IndexRow("new", 1, now))
        recorder.add_job(job(utterance_id="old", ended_at=now - 31 * 86_400))
        recorder.add_job(job(utterance_id="new", ended_at=now))
    assert await ids(address) == ["new"]
    database = await open_database(address)
    async with database.reading() as connection:
        assert list((await connection.execute(select(cached_audio.c.key))).scalars()) == ["new"]
    await database.close()


async def test_the_newest_rows_are_kept_where_there_are_too_many(address: Address) -> None:
    with recording(address, retention=Retention(rows=2), wall_clock=lambda: 1000.0) as recorder:
        for number in range(5):
            recorder.add_job(job(utterance_id=str(number)))
        await until_written(address, 2)
    assert await ids(address) == ["3", "4"]


async def test_a_database_that_goes_away_and_comes_back_loses_nothing(postgres, tmp_path) -> None:
    address = address_of(postgres.database(), tmp_path)
    with recording(address) as recorder:
        recorder.add_job(job(utterance_id="before"))
        await until_written(address, 1)
        await asyncio.to_thread(postgres.stop)
        try:
            for number in range(10):
                recorder.add_job(job(utterance_id=str(number)))
                await asyncio.sleep(0.02)
        finally:
            await asyncio.to_thread(postgres.start)
        await until_written(address, 11)
    assert await ids(address) == ["before", *map(str, range(10))]
    assert recorder.dropped == 0


async def test_one_that_is_away_at_the_start_is_tried_again(postgres, tmp_path) -> None:
    address = address_of(postgres.database(), tmp_path)
    await asyncio.to_thread(postgres.stop)
    try:
        recorder = Recorder(address, place="here", wall_clock=lambda: NOW)
        recorder.start()
        recorder.add_job(job())
        await asyncio.sleep(0.2)
        assert not recorder.index.done()
    finally:
        await asyncio.to_thread(postgres.start)
    assert await asyncio.wait_for(asyncio.wrap_future(recorder.index), WAIT_S) == []
    recorder.close(WAIT_S)
    assert await ids(address) == ["utt"]


async def test_one_that_stays_away_costs_rows_that_are_counted_and_no_time(tmp_path) -> None:
    recorder = Recorder(Address("postgresql+asyncpg://127.0.0.1:1/none"), place="here")
    recorder.start()
    for _ in range(10_050):
        recorder.add_job(job())
    assert recorder.dropped == 50
    began = time.monotonic()
    recorder.close()
    assert time.monotonic() - began < 10
    assert recorder.dropped == 10_050
    assert recorder.index.cancelled()


async def test_a_database_that_hangs_holds_up_neither_the_giver_nor_the_end(tmp_path) -> None:
    """Another process has the file's lock: every write waits for it."""
    address = address_of("", tmp_path)
    await (await open_database(address)).close()
    with recording(address) as recorder:
        recorder.add_job(job(utterance_id="first"))
        await until_written(address, 1)
        holder = sqlite3.connect(tmp_path / "syrinx.db", isolation_level=None)
        try:
            holder.execute("BEGIN IMMEDIATE")
            recorder.add_job(job(utterance_id="late"))
            began = time.monotonic()
            await asyncio.to_thread(recorder.close, 0.2)
            assert time.monotonic() - began < 4.0  # SQLite itself waits for 5 s
            assert recorder.dropped <= 1
        finally:
            holder.execute("ROLLBACK")
            holder.close()


async def test_a_lock_that_is_given_back_costs_nothing(tmp_path) -> None:
    address = address_of("", tmp_path)
    with recording(address) as recorder:
        recorder.add_job(job(utterance_id="first"))
        await until_written(address, 1)
        holder = sqlite3.connect(tmp_path / "syrinx.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        recorder.add_job(job(utterance_id="second"))
        await asyncio.sleep(0.1)
        holder.execute("ROLLBACK")
        holder.close()
    assert await ids(address) == ["first", "second"]


async def test_rows_that_the_database_will_never_take_are_dropped_and_the_rest_goes_on(address: Address) -> None:
    with recording(address) as recorder:
        recorder.add_job(job(audio_bytes="many"))
        async with asyncio.timeout(WAIT_S):
            while recorder.dropped + len(await ids(address)) < 1:
                await asyncio.sleep(0.02)
        recorder.add_job(job(utterance_id="good"))
    assert "good" in await ids(address)


async def test_a_newer_database_is_refused_aloud(address: Address) -> None:
    database = await open_database(address)
    async with database.writing() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await database.close()
    told, refused = threading.Event(), list[ConfigError]()

    def refuse(error: ConfigError) -> None:
        refused.append(error)
        told.set()

    with recording(address, place="here", on_refused=refuse) as recorder:
        assert await asyncio.to_thread(told.wait, WAIT_S)
        recorder.add_job(job())
        assert recorder.index.cancelled()
    assert "newer Syrinx" in str(refused[0])


def test_closing_twice_or_one_that_never_ran_is_no_error(tmp_path) -> None:
    recorder = Recorder(address_of("", tmp_path))
    recorder.close()
    recorder.close()
    assert not (tmp_path / "syrinx.db").exists()
