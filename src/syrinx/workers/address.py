"""Where a worker connects back to: a Unix socket where there is one, loopback TCP elsewhere."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

SECRET_VARIABLE = "SYRINX_WORKER_SECRET"
"""In a worker's environment: what it must show first. Other users of the machine cannot read it there."""
CONNECT_TIMEOUT_S = 10.0
MAX_UNIX_PATH = 100
"""Bytes; the kernels' limits are 104 (macOS) to 108 (Linux) with the closing zero."""


@dataclass(frozen=True, slots=True)
class Address:
    """``path`` is set for a Unix socket, else ``port`` on 127.0.0.1."""

    path: str = ""
    port: int = 0

    def __str__(self) -> str:
        return f"unix:{self.path}" if self.path else f"tcp:{self.port}"


def parse_address(text: str) -> Address:
    """Read what ``str`` of an address wrote. Raises ``ValueError``."""
    kind, _, rest = text.partition(":")
    if kind == "unix" and rest:
        return Address(path=rest)
    if kind == "tcp" and rest.isdecimal():
        return Address(port=int(rest))
    raise ValueError(f"{text!r} is no address: unix:PATH or tcp:PORT.")


def unix_path(folder: Path) -> str | None:
    """Return the path of a Unix socket in ``folder``, or None where the platform has none or the path is too long."""
    path = str(folder / "socket")
    return path if hasattr(socket, "AF_UNIX") and len(path.encode()) <= MAX_UNIX_PATH else None


def connect(address: Address) -> socket.socket:
    """Connect, blocking, within ``CONNECT_TIMEOUT_S``. Raises ``OSError``."""
    if address.path:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(CONNECT_TIMEOUT_S)
        connection.connect(address.path)
    else:
        connection = socket.create_connection(("127.0.0.1", address.port), CONNECT_TIMEOUT_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.settimeout(None)
    return connection
