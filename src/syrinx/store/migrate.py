"""Bring a database to this version, under a lock, so that servers which start together do not do it twice."""

from __future__ import annotations

from importlib.resources import files

from sqlalchemy import Connection, inspect, text

from syrinx.core.errors import ConfigError

HEAD = "0001"
"""The last of ``migrations/versions``; a test holds the two together."""
KNOWN = ("0001",)
"""Every version this code can start from."""
LOCK = 0x5359_5249_4E58
"""Number of the advisory lock on Postgres ("SYRINX")."""


def is_current(connection: Connection) -> bool:
    """Whether the database is of this version, so that nobody has to wait for a lock."""
    return _version(connection) == HEAD


def migrate(connection: Connection, shown: str) -> None:
    """Run the missing steps in the connection's transaction; all of them come about or none.

    ``shown`` names the database in errors. Raises ``ConfigError`` for a database of a newer Syrinx. On SQLite the
    transaction itself must have been begun as a writer's.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    version = _version(connection)
    if version == HEAD:
        return  # without Alembic, whose import takes 0.2 s and 10 MB
    if version is not None and version not in KNOWN:
        raise ConfigError(
            f"The database {shown} was written by a newer Syrinx (its version is {version}, this one knows up to "
            f"{HEAD}). Run that Syrinx, or name another database with database_url.",
            param="database_url",
        )
    _upgrade(connection)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(files("syrinx.store") / "migrations").replace("%", "%%"))
    command.upgrade(config, "head")
