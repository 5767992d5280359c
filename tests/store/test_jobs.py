"""Ended utterances: every field is kept, the oldest go, and figures are the same on both databases."""

from __future__ import annotations

import dataclasses
import random
import statistics
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select

from syrinx.core.errors import ConfigError
from syrinx.store.address import Address
from syrinx.store.database import Database, open_database
from syrinx.store.history import open_history
from syrinx.store.jobs import insert_jobs, prune_jobs, summarize
from syrinx.store.rows import JobRow, Retention
from syrinx.store.schema import utterances
from tests.store.rows import job


@pytest.fixture
async def database(address: Address) -> AsyncIterator[Database]:
    opened = await open_database(address)
    yield opened
    await opened.close()


async def add(database: Database, *rows: JobRow) -> None:
    async with database.writing() as connection:
        await insert_jobs(connection, rows)


async def ended_at(database: Database) -> list[float]:
    async with database.reading() as connection:
        return list((await connection.execute(select(utterances.c.ended_at).order_by(utterances.c.id))).scalars())


async def test_every_field_comes_back_as_it_was_given(database: Database) -> None:
    given = job(cached=True, ttfa_s=None, audio_bytes=2**40, ended_at=1.7e9 + 0.123456)
    await add(database, given)
    async with database.reading() as connection:
        row = (await connection.execute(select(utterances))).mappings().one()
    assert {name: row[name] for name in dataclasses.asdict(given)} == dataclasses.asdict(given)


@pytest.mark.parametrize("name", ["nul\0", "lone \ud800", "long" * 5000, "ünïcödé 🎉", "'; DROP TABLE utterances"])
async def test_a_clients_own_id_cannot_break_the_write(database: Database, name: str) -> None:
    await add(database, job(utterance_id=name), job())
    assert len(await ended_at(database)) == 2


async def test_what_is_too_old_or_too_many_goes_the_oldest_first(database: Database) -> None:
    day = 86_400.0
    await add(database, *(job(ended_at=number * day) for number in range(10)))
    async with database.writing() as connection:
        assert await prune_jobs(connection, Retention(days=4.5, rows=100), 10 * day) == 6
        assert await prune_jobs(connection, Retention(days=4.5, rows=100), 10 * day) == 0
    assert await ended_at(database) == [6 * day, 7 * day, 8 * day, 9 * day]
    async with database.writing() as connection:
        assert await prune_jobs(connection, Retention(days=99, rows=3), 10 * day) == 1
    assert await ended_at(database) == [7 * day, 8 * day, 9 * day]


async def test_pruning_nothing_is_no_error(database: Database) -> None:
    async with database.writing() as connection:
        assert await prune_jobs(connection, Retention(), 0.0) == 0


async def test_a_window_holds_what_ended_from_its_beginning_and_before_its_end(database: Database) -> None:
    await add(database, *(job(ended_at=float(at)) for at in (99, 100, 150, 200, 201)))
    async with database.reading() as connection:
        assert (await summarize(connection, 100, 200)).count == 2


async def test_an_empty_window_has_no_figures(database: Database) -> None:
    async with database.reading() as connection:
        summary = await summarize(connection, 0, 1)
    assert (summary.count, summary.audio_s) == (0, 0.0)
    assert (summary.ttfa_p50_s, summary.mean_xrt, summary.canceled_rate, summary.failed_rate) == (None,) * 4


async def test_the_figures_are_those_of_the_rows(database: Database) -> None:
    draw = random.Random(7)
    outcomes = ["completed"] * 60 + ["canceled"] * 25 + ["model_failed"] * 10 + ["overloaded"] * 5
    rows = [
        job(
            outcome=outcome,
            cached=draw.random() < 0.3,
            ttfa_s=None if outcome == "overloaded" else draw.uniform(0.01, 2.0),
            wall_s=draw.uniform(0.5, 3.0),
            audio_s=0.0 if outcome == "overloaded" else draw.uniform(1.0, 9.0),
        )
        for outcome in outcomes
    ]
    await add(database, *rows)
    async with database.reading() as connection:
        summary = await summarize(connection, 0, 2000)
    completed = [row for row in rows if row.outcome == "completed"]
    ttfa = sorted(row.ttfa_s for row in rows if row.ttfa_s is not None)
    assert (summary.count, summary.completed, summary.canceled, summary.failed) == (100, 60, 25, 15)
    assert (summary.canceled_rate, summary.failed_rate) == (0.25, 0.15)
    assert summary.cached == sum(row.cached for row in rows)
    assert (summary.ttfa_p50_s, summary.ttfa_p95_s, summary.ttfa_p99_s) == (ttfa[47], ttfa[90], ttfa[94])
    assert summary.mean_xrt == pytest.approx(statistics.fmean(row.audio_s / row.wall_s for row in completed))
    assert summary.mean_rtf == pytest.approx(statistics.fmean(row.wall_s / row.audio_s for row in completed))
    assert summary.audio_s == pytest.approx(sum(row.audio_s for row in rows))


async def test_a_job_without_audio_or_time_does_not_break_the_means(database: Database) -> None:
    await add(database, job(audio_s=0.0), job(wall_s=0.0), job(audio_s=2.0, wall_s=1.0))
    async with database.reading() as connection:
        assert (await summarize(connection, 0, 2000)).mean_xrt == 2.0


async def test_history_is_read_by_the_settings_while_the_server_writes(tmp_path: Path, postgres) -> None:
    for url in ("", postgres.database()):
        from syrinx.store.address import address_of

        writer = await open_database(address_of(url, tmp_path))
        async with writer.writing() as connection:
            await insert_jobs(connection, [job()])
            async with open_history(url, tmp_path) as history:
                assert (await history.summary(0)).count == 0  # not before it is committed
        async with open_history(url, tmp_path) as history:
            assert (await history.summary(0)).count == 1
            assert (await history.summary(0, until=500)).count == 0
        await writer.close()


async def test_history_that_is_not_there_or_away_is_told(tmp_path: Path) -> None:
    for url, words in (("", "Nothing was recorded yet"), ("postgresql://127.0.0.1:1/x", "cannot be read: .*127.0.0.1")):
        with pytest.raises(ConfigError, match=words):
            async with open_history(url, tmp_path):
                pass
    assert not list(tmp_path.iterdir())
