"""A database is brought to this version once, whoever starts it, and one that is newer is left alone."""

from __future__ import annotations

import asyncio
import stat
import sys
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect, text

from syrinx.core.errors import ConfigError
from syrinx.store.address import Address, address_of
from syrinx.store.database import open_database
from syrinx.store.jobs import insert_jobs, summarize
from syrinx.store.migrate import HEAD, KNOWN
from syrinx.store.schema import metadata
from tests.store.rows import job

OPEN = """
import asyncio, sys
from pathlib import Path
from syrinx.store.address import Address
from syrinx.store.database import open_database
async def main():
    database = await open_database(Address(sys.argv[1], Path(sys.argv[2]) if sys.argv[2] else None))
    await database.close()
asyncio.run(main())
"""


def tables(connection: Connection) -> dict[str, dict[str, tuple[str, bool]]]:
    seen = inspect(connection)
    return {
        name: {column["name"]: (str(column["type"]), bool(column["nullable"])) for column in seen.get_columns(name)}
        for name in seen.get_table_names()
        if name != "alembic_version"
    }


def indexes(connection: Connection) -> set[str | None]:
    return {index["name"] for name in tables(connection) for index in inspect(connection).get_indexes(name)}


async def test_the_steps_make_the_tables_that_the_code_reads(fresh) -> None:
    stepped, direct = await open_database(fresh()), await open_database(fresh())
    async with direct.writing() as connection:
        await connection.run_sync(metadata.drop_all)
        await connection.run_sync(metadata.create_all)
    for look in (tables, indexes):
        async with stepped.reading() as one, direct.reading() as other:
            assert await one.run_sync(look) == await other.run_sync(look) != {}
    await stepped.close()
    await direct.close()


def test_the_code_knows_every_step_that_is_shipped() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    import syrinx.store.migrations as migrations

    config = Config()
    config.set_main_option("script_location", migrations.__path__[0])
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [HEAD]
    assert {step.revision for step in script.walk_revisions()} == set(KNOWN)


async def test_opening_again_keeps_what_is_there(address: Address) -> None:
    for _ in range(2):
        database = await open_database(address)
        async with database.writing() as connection:
            await insert_jobs(connection, [job()])
        await database.close()
    database = await open_database(address)
    async with database.reading() as connection:
        assert (await summarize(connection, 0, 2000)).count == 2
    await database.close()


async def test_servers_that_start_at_once_on_one_new_database_all_come_up(address: Address) -> None:
    command = [sys.executable, "-c", OPEN, address.url, str(address.file or "")]
    starting = [
        await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
        for _ in range(3)
    ]
    said = await asyncio.gather(*(process.communicate() for process in starting))
    assert [(process.returncode, errors) for process, (_, errors) in zip(starting, said, strict=True)] == [(0, b"")] * 3


async def test_a_newer_database_is_refused_by_name_and_left_as_it_is(address: Address) -> None:
    database = await open_database(address)
    async with database.writing() as connection:
        await insert_jobs(connection, [job()])
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigError, match=rf"newer Syrinx.*9999.*{HEAD}"):
        await open_database(address)
    async with database.reading() as connection:
        assert (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar() == "9999"
        assert (await summarize(connection, 0, 2000)).count == 1
    await database.close()


async def test_a_step_that_fails_leaves_nothing_behind(address: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import command

    whole = command.upgrade

    def broken(*words: object) -> None:
        whole(*words)  # type: ignore[arg-type]
        raise RuntimeError("the machine stops here")

    monkeypatch.setattr(command, "upgrade", broken)
    with pytest.raises(RuntimeError):
        await open_database(address)
    monkeypatch.undo()
    database = await open_database(address)  # begins anew, and would fail on a table that is there
    async with database.reading() as connection:
        assert set(await connection.run_sync(tables)) == set(metadata.tables)
    await database.close()


async def test_an_option_that_the_driver_does_not_have_is_an_error_of_the_setting(postgres, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"database_url.*bogus"):
        await open_database(address_of(postgres.database() + "?bogus=1", tmp_path))


async def test_the_file_is_this_users_alone_and_written_ahead(tmp_path: Path) -> None:
    address = address_of("", tmp_path / "new")
    database = await open_database(address)
    assert address.file is not None and stat.S_IMODE(address.file.stat().st_mode) == 0o600
    async with database.reading() as connection:
        assert (await connection.execute(text("PRAGMA journal_mode"))).scalar() == "wal"
    await database.close()


async def test_a_file_that_cannot_be_made_is_an_error_of_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be made"):
        await open_database(address_of("", tmp_path / "file"))
