"""Both databases, so that one suite holds them to one behaviour."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from syrinx.store.address import Address, address_of
from tests.fakes.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgres"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Address]:
    """Addresses of empty databases, of one kind."""
    if request.param == "sqlite":
        counted = iter(range(100))
        return lambda: address_of("", tmp_path / str(next(counted)))
    postgres: Postgres = request.getfixturevalue("postgres")
    return lambda: address_of(postgres.database(), tmp_path)


@pytest.fixture
def address(fresh: Callable[[], Address]) -> Address:
    """An empty database."""
    return fresh()
