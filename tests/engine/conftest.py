"""Text rules are loaded before the tests: short text is then never prepared in a thread, and turns can be counted."""

from collections.abc import AsyncIterator

import pytest

from syrinx.engine.preload import preload
from tests.fakes.stage import Stage


@pytest.fixture(scope="session", autouse=True)
def preloaded() -> None:
    preload()


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    stage = Stage()
    yield stage
    await stage.engine.stop()


@pytest.fixture
async def manual() -> AsyncIterator[Stage]:
    stage = Stage(auto=False)
    yield stage
    await stage.engine.stop()
