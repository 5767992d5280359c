"""What the outside tests share: a way to start servers by the founding systems' own variables."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.fakes.server_process import ServerPool, ServerProcess

Start = Callable[..., ServerProcess]


@pytest.fixture(scope="module")
def start(servers: ServerPool) -> Iterator[Start]:
    """Start a server of the module's own on tone: ``start({"API_KEY": "k"}, tone={"x_realtime": 10}, port=0)``.

    As many speak at once as the settings say: on a busy machine a model may be measured to carry fewer, and the others
    would wait. What it carries is the subject of the tests that set ``when_busy="wait"``."""
    with ExitStack() as running:

        def start_one(
            variables: dict[str, str] | None = None,
            tone: dict[str, float] | None = None,
            models: tuple[str, ...] = ("tone",),
            **settings: Any,
        ) -> ServerProcess:
            options = {"tone": tone} if tone else {}
            settings.setdefault("when_busy", "share")
            return running.enter_context(servers.fresh(models, variables, model_options=options, **settings))

        yield start_one
