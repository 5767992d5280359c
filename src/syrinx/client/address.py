"""Where a server is, as each transport wants to hear it."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit, urlunsplit

from syrinx.core.errors import InvalidRequest

SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


def http_address(url: str) -> str:
    """``http://host:port`` of a base URL that may lack its scheme, end in ``/`` or ``/v1``, or be ``ws://``.

    Raises ``InvalidRequest`` for anything that names no host.
    """
    parts = _split(url)
    if parts is None:
        raise InvalidRequest(f"{url!r} is not the address of a server; one looks like http://127.0.0.1:8000.")
    return urlunsplit((SCHEMES[parts.scheme], parts.netloc, parts.path.rstrip("/").removesuffix("/v1"), "", ""))


def socket_address(url: str) -> str:
    """The same server as ``ws://`` or ``wss://``."""
    return "ws" + http_address(url).removeprefix("http")


def is_loopback(url: str) -> bool:
    """Whether it is this machine, which no proxy can reach for us."""
    host = urlsplit(http_address(url)).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        usable = parts.scheme in SCHEMES and parts.hostname and parts.port != 0
    except ValueError:  # brackets that do not match, or a port that is no number
        return None
    return parts if usable else None
