"""Where a server listens for streams of bytes that are no HTTP: ``tcp://HOST:PORT`` or ``unix:PATH``."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import stat
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from syrinx.core.errors import ConfigError
from syrinx.server.limits import is_loopback

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class StreamAddress:
    """One of the two."""

    host: str = ""
    port: int = 0
    path: Path | None = None
    """Of a Unix socket; None: TCP."""

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        return self.path is not None or is_loopback(self.host)


def read_address(text: str) -> StreamAddress:
    """Read ``tcp://127.0.0.1:10200`` or ``unix:PATH`` (``unix:///path`` too). Raises ``ConfigError``."""
    parts = urlsplit(text)
    if parts.scheme == "unix" and parts.path and not parts.netloc:
        return StreamAddress(path=Path(parts.path))
    try:
        if parts.scheme == "tcp" and parts.hostname and parts.port is not None and parts.path in ("", "/"):
            return StreamAddress(parts.hostname, parts.port)
    except ValueError:
        pass  # a port that is none
    raise ConfigError(f"{text!r} is no address: it must be tcp://HOST:PORT or unix:PATH.")


def read_networks(texts: Sequence[str]) -> list[Network]:
    """Read ``192.168.1.0/24`` and single addresses. Raises ``ConfigError``."""
    try:
        return [ipaddress.ip_network(text, strict=False) for text in texts]
    except ValueError as error:
        raise ConfigError(f"This is no network: {error}.") from None


def is_within(host: str, networks: Sequence[Network]) -> bool:
    """Whether an address of a peer is a loopback one or in one of ``networks``; an IPv4 address may come as IPv6."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback or any(address in network for network in networks)


@contextlib.contextmanager
def unix_listener(path: Path) -> Generator[socket.socket, None, None]:
    """A socket that listens at ``path``, which goes with it. Only this user may connect.

    A socket that a dead process left is replaced. Raises ``ConfigError``.
    """
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        try:
            _clear(path)
            listener.bind(str(path))
            os.chmod(path, 0o600)
            listener.listen(128)
        except OSError as error:
            raise ConfigError(f"Cannot listen on unix:{path}: {error.strerror or error}.") from None
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)
    finally:
        listener.close()


def _clear(path: Path) -> None:
    """Remove a socket that nobody listens at. Raises ``OSError`` where somebody does."""
    if not path.exists() or not stat.S_ISSOCK(path.stat().st_mode):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
