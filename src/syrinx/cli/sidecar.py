"""The desktop sidecar's command: ``python -m syrinx --server --port 8765 --data-dir D``, as VoiceReader starts it."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from syrinx.core.errors import ConfigError

HOST = "127.0.0.1"
PORT = 8765
TOKEN_ENV = "SPEAK_SELECTION_ENGINE_TOKEN"
MAX_BOOTSTRAP_BYTES = 65_536
BOOTSTRAP_WAIT_S = 30.0
"""Longest wait for the program that started us to say the token."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What the program that started us said on stdin; None: nothing of it."""

    token: str | None = None
    port: int | None = None
    data_dir: Path | None = None


def sidecar(  # noqa: PLR0913 - its flags are documented
    *,
    server: Annotated[bool, Parameter(help="Serve; without it this help is shown.")] = False,
    host: Annotated[str, Parameter(help="Address to listen on.")] = HOST,
    port: Annotated[int, Parameter(help="TCP port; 0 picks a free one, and the address is printed.")] = PORT,
    token: Annotated[str | None, Parameter(help="Token that clients must send.")] = None,
    token_env: Annotated[str, Parameter(help="Variable that holds it where --token does not.")] = TOKEN_ENV,
    data_dir: Annotated[Path | None, Parameter(help="Folder of voices, models, caches and logs (.data).")] = None,
    bootstrap_stdin: Annotated[
        bool, Parameter(help="Read {token, port, data_dir} as JSON from stdin; port and data_dir win over flags.")
    ] = False,
) -> int:
    """Serve as the desktop sidecar of VoiceReader does; also: python -m syrinx --server ..."""
    if not server:
        from .main import main

        return main(["sidecar", "--help"])
    from syrinx.config import read_settings
    from syrinx.server.run import serve
    from syrinx.wiring import build_engine

    said = read_bootstrap() if bootstrap_stdin else Bootstrap()
    flags = {
        "host": host,
        "port": port if said.port is None else said.port,
        "api_key": token or said.token or token_in(os.environ, token_env),
        "data_dir": said.data_dir or data_dir,
        "management": "on",
    }
    return serve(read_settings(os.environ, flags), build_engine)


def token_in(environ: Mapping[str, str], name: str) -> str:
    """The token from the environment. Raises ``ConfigError`` where there is none."""
    found = environ.get(name, "")
    if not found:
        raise ConfigError(f"A token is needed: --token, 'token' in the JSON on stdin, or the variable {name}.")
    return found


def read_bootstrap() -> Bootstrap:
    """Read one JSON object from stdin, up to its end, the input's end or the bounds, and check it.

    Raises ``ConfigError`` for anything else.
    """
    said = bytearray()
    reader = threading.Thread(target=_read_object, args=(said,), daemon=True)
    reader.start()
    reader.join(BOOTSTRAP_WAIT_S)
    if reader.is_alive() and not said:
        raise ConfigError(f"--bootstrap-stdin: nothing came within {BOOTSTRAP_WAIT_S:g} s.")
    return parse_bootstrap(bytes(said))


def parse_bootstrap(said: bytes) -> Bootstrap:
    """Raises ``ConfigError`` for what is no JSON object of ``token``, ``port`` and ``data_dir``."""
    try:
        fields = json.loads(said)
    except (ValueError, RecursionError):
        raise ConfigError("--bootstrap-stdin: what came on stdin is not JSON.") from None
    if not isinstance(fields, dict):
        raise ConfigError("--bootstrap-stdin: a JSON object is needed.")
    port = _field(fields, "port", int)
    if port is not None and not 0 <= port <= 65535:
        raise ConfigError("--bootstrap-stdin: 'port' must be 0 to 65535.")
    folder = _field(fields, "data_dir", str)
    return Bootstrap(_field(fields, "token", str) or None, port, Path(folder) if folder else None)


def _field(fields: Mapping[str, Any], name: str, kind: type) -> Any:
    value = fields.get(name)
    if value is None or type(value) is kind:
        return value
    raise ConfigError(f"--bootstrap-stdin: {name!r} must be a {'string' if kind is str else 'whole number'}.")


def _read_object(said: bytearray) -> None:
    """Read until a whole JSON object is there: who started us need not close its end."""
    while len(said) < MAX_BOOTSTRAP_BYTES:
        piece = os.read(sys.stdin.fileno(), MAX_BOOTSTRAP_BYTES - len(said))
        said += piece
        if not piece or _is_whole(said):
            return


def _is_whole(said: bytearray) -> bool:
    try:
        return isinstance(json.loads(said), dict)
    except (ValueError, RecursionError):
        return False
