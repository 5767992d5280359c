"""Where a job's socket is, as the client can reach it. Pure."""

from __future__ import annotations

from typing import Any

import pytest

from syrinx.server.voicereader.address import socket_url


def url(scheme: str = "http", server: Any = ("10.0.0.1", 9), **headers: str) -> str:
    raw = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return socket_url({"type": "http", "scheme": scheme, "server": server, "headers": raw}, "/v1/stream/j")


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"host": "127.0.0.1:8765"}, "ws://127.0.0.1:8765"),
        ({"host": "localhost"}, "ws://localhost"),
        ({"host": "[::1]:8765"}, "ws://[::1]:8765"),
        ({"host": "tts.example", "scheme": "https"}, "wss://tts.example"),
        ({"host": "in:1", "x_forwarded_host": "out.example", "x_forwarded_proto": "https"}, "wss://out.example"),
        ({"host": "in:1", "x_forwarded_host": "out:2, mid:3", "x_forwarded_proto": "HTTP, https"}, "ws://out:2"),
        ({"host": "in:1", "x_forwarded_prefix": "/tts/"}, "ws://in:1/tts"),
        ({"host": "in:1", "x_forwarded_host": "evil/path", "x_forwarded_proto": "javascript"}, "ws://in:1"),
        ({"host": "in:1", "x_forwarded_host": "a@b", "x_forwarded_prefix": "//evil.example"}, "ws://in:1"),
        ({"host": "in:1", "x_forwarded_host": 'x"', "x_forwarded_prefix": "/../.."}, "ws://in:1"),
        ({"host": "no host\x7f"}, "ws://10.0.0.1:9"),
        ({}, "ws://10.0.0.1:9"),
        ({"server": ("::1", 9)}, "ws://[::1]:9"),
        ({"server": None}, "ws://127.0.0.1"),
    ],
)
def test_addresses(headers: dict[str, Any], found: str) -> None:
    assert url(**headers) == found + "/v1/stream/j"
