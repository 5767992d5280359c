"""Text rules are loaded before the tests: short text is then never prepared in a thread, and turns can be counted."""

import pytest

from syrinx.engine.warmup import warm_up


@pytest.fixture(scope="session", autouse=True)
def warm() -> None:
    warm_up()
