"""Which database a setting means, and what is said of one that cannot be meant. No message shows a password."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from syrinx.core.errors import ConfigError
from syrinx.store.address import address_of

DATA = Path("/srv/data")


def test_no_setting_means_a_file_under_the_data_folder() -> None:
    address = address_of("", DATA)
    assert (address.url, address.file) == ("sqlite+aiosqlite:////srv/data/syrinx.db", DATA / "syrinx.db")


def test_sqlite_by_url_names_a_file() -> None:
    assert address_of("sqlite:////var/jobs.db", DATA).file == Path("/var/jobs.db")
    assert address_of("sqlite:///jobs.db", DATA).file == Path("jobs.db")


@pytest.mark.parametrize(
    ("setting", "url"),
    [
        ("postgresql://u:p@h:5433/name", "postgresql+asyncpg://u:p@h:5433/name"),
        ("postgres://h/name", "postgresql+asyncpg://h/name"),
        ("postgresql://h/name?sslmode=require", "postgresql+asyncpg://h/name?ssl=require"),
    ],
)
def test_postgres_urls_are_put_in_the_drivers_terms(setting: str, url: str) -> None:
    address = address_of(setting, DATA)
    assert (address.url, address.file) == (url, None)


def test_what_is_shown_has_no_password() -> None:
    assert "secret" not in str(address_of("postgresql://u:secret@h/name", DATA))
    assert "h/name" in str(address_of("postgresql://u:secret@h/name", DATA))


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("mysql://u:secret@h/name", "must begin with"),
        ("secret.db", "must begin with"),
        ("sqlite://secret.db", "must name a file"),
        ("sqlite:///", "must name a file"),
        ("postgresql://u:secret@h", "must name a database"),
        ("postgresql://u:secret@h:port/name", "is no URL"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_the_settings_name(setting: str, words: str) -> None:
    with pytest.raises(ConfigError, match=f"database_url {words}") as caught:
        address_of(setting, DATA)
    assert "secret" not in str(caught.value)


def test_a_missing_driver_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'syrinx-tts\[postgres\]'"):
        address_of("postgresql://h/name", DATA)
    assert address_of("", DATA).file is not None
