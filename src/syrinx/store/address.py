"""Which database a setting means. Cheap: imports no database library."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from syrinx.core.errors import ConfigError

FILE_NAME = "syrinx.db"
SCHEMES = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
"""What may stand before ``://``, and what SQLAlchemy calls it."""


@dataclass(frozen=True, slots=True)
class Address:
    """A database. ``str`` shows it without a password."""

    url: str
    """As SQLAlchemy reads it."""
    file: Path | None = None
    """Of SQLite."""

    def __str__(self) -> str:
        return re.sub(r"//[^@/]*@", "//***@", self.url)


def address_of(setting: str, data_dir: Path) -> Address:
    """Read ``Settings.database_url``; empty: a file under ``data_dir``.

    Raises ``ConfigError`` for a database that is not known, a URL that is none, or a driver that is not installed. The
    message never shows the URL, which may hold a password.
    """
    if not setting:
        return _sqlite(data_dir / FILE_NAME)
    scheme, separator, rest = setting.partition("://")
    if not separator or scheme not in SCHEMES:
        raise ConfigError("database_url must begin with 'postgresql://' or 'sqlite:///'.", param="database_url")
    if scheme == "sqlite":
        path = rest.removeprefix("/")
        if not rest.startswith("/") or not path:
            raise ConfigError("database_url must name a file: sqlite:////absolute/path.db.", param="database_url")
        return _sqlite(Path(path))
    if importlib.util.find_spec("asyncpg") is None:
        raise ConfigError(
            "database_url names a Postgres database, and its driver is not installed: pip install "
            "'syrinx-tts[postgres]'.",
            param="database_url",
        )
    return Address(_for_asyncpg(setting))


def _sqlite(path: Path) -> Address:
    return Address(f"sqlite+aiosqlite:///{path}", path)


def _for_asyncpg(setting: str) -> str:
    """The same URL in asyncpg's terms: ``sslmode`` of libpq is its ``ssl``."""
    try:
        parts = urlsplit(setting)
        _ = parts.port
    except ValueError as error:
        raise ConfigError(f"database_url is no URL: {error}.", param="database_url") from None
    if not parts.path.strip("/"):
        raise ConfigError("database_url must name a database: postgresql://host/name.", param="database_url")
    query = [("ssl" if name == "sslmode" else name, value) for name, value in parse_qsl(parts.query)]
    return urlunsplit((SCHEMES["postgresql"], parts.netloc, parts.path, urlencode(query), ""))
