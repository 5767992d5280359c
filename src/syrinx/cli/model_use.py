"""``syrinx models use``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from .folder import settings_of
from .target import key_of

if TYPE_CHECKING:
    from syrinx.config import Settings

LOAD_MARGIN_S = 60.0
"""Beyond the time that the server gives a model to load: the warm-up."""


def use_model(
    name: Annotated[str, Parameter(help="The model, or auto.")],
    /,
    *,
    url: Annotated[
        str | None, Parameter(help="Address of the server; else the one that runs on the data folder.")
    ] = None,
    api_key: Annotated[
        str | None, Parameter(help="Its key; better in SYRINX_API_KEY, since others can read a command line.")
    ] = None,
    data_dir: Annotated[Path | None, Parameter(help="The data folder (.data).")] = None,
    config: Annotated[Path | None, Parameter(help="TOML file of settings (docs/settings.md).")] = None,
) -> int:
    """Make a model the one that a running server speaks with. What is being spoken is spoken to its end."""
    from syrinx.client.http import SpeechClient

    settings = settings_of(data_dir, config)
    address = url or _running_on(settings)
    with SpeechClient(address, api_key or key_of(os.environ)) as server:
        told = server.activate(name, settings.load_timeout_s + LOAD_MARGIN_S)
    print(f"{server.url} speaks with {told.get('active_model_id') or name} now.")
    return 0


def _running_on(settings: Settings) -> str:
    """The server on the data folder, else where one would be."""
    from syrinx.client.http import DEFAULT_URL
    from syrinx.server.run_file import State, find_servers

    from .stop import choose

    running = [found for found in find_servers(settings.data_dir) if found.state is State.RUNNING]
    chosen = choose(running, None, all=False)
    return chosen[0].server.url if chosen else DEFAULT_URL
