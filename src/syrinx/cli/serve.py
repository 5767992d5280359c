"""``syrinx serve``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter


def serve(
    *,
    host: Annotated[str | None, Parameter(help="Address to listen on (127.0.0.1); others need an API key.")] = None,
    port: Annotated[int | None, Parameter(help="TCP port (8000); 0 picks a free one.")] = None,
    model: Annotated[
        tuple[str, ...] | None,
        Parameter(help="Model to serve, repeatable; the first is the default; 'auto' chooses."),
    ] = None,
    data_dir: Annotated[Path | None, Parameter(help="Folder of voices, models, caches and logs.")] = None,
    profile: Annotated[
        Literal["latency", "throughput"] | None,
        Parameter(help="Speak at once in small pieces (latency), or make long pieces for files at full speed."),
    ] = None,
    config: Annotated[Path | None, Parameter(help="TOML file of settings (docs/settings.md).")] = None,
) -> int:
    """Serve speech over HTTP and WebSocket, with a page at /."""
    from syrinx.config import read_settings
    from syrinx.server.run import serve as run_server
    from syrinx.wiring import build_engine

    flags = {"host": host, "port": port, "models": model, "data_dir": data_dir, "profile": profile}
    return run_server(read_settings(os.environ, flags, config), build_engine)
