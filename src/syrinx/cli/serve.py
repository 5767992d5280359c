"""``syrinx serve``."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Addresses:
    """Where it listens."""

    host: Annotated[str | None, Parameter(help="Address to listen on (127.0.0.1); others need an API key.")] = None
    port: Annotated[int | None, Parameter(help="TCP port (8000); 0 picks a free one.")] = None
    wyoming: Annotated[str | None, Parameter(help="Speak Wyoming there too: tcp://127.0.0.1:10200 or unix:PATH.")] = (
        None
    )


def serve(
    *,
    addresses: Addresses = Addresses(),
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

    flags = {**asdict(addresses), "models": model, "data_dir": data_dir, "profile": profile}
    return run_server(read_settings(os.environ, flags, config), build_engine)
