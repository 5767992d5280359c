"""Where a server is."""

from __future__ import annotations

import pytest

from syrinx.client.address import http_address, is_loopback, socket_address
from syrinx.core.errors import InvalidRequest


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000"),
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("box", "http://box"),
        ("wss://speech.example.org/tts/v1/", "https://speech.example.org/tts"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_a_base_url_may_be_written_in_many_ways(said: str, meant: str) -> None:
    assert http_address(said) == meant
    assert socket_address(said) == meant.replace("http", "ws", 1)


@pytest.mark.parametrize("said", ["", "ftp://box", "http://", "/v1", "file:///etc", "http://[::1", "http://box:http"])
def test_what_names_no_server_is_refused(said: str) -> None:
    with pytest.raises(InvalidRequest, match="not the address of a server"):
        http_address(said)


@pytest.mark.parametrize(
    ("url", "loopback"),
    [("http://127.0.0.1:1", True), ("http://[::1]:1", True), ("localhost:1", True), ("http://10.0.0.1", False)],
)
def test_this_machine_is_told_from_others(url: str, loopback: bool) -> None:
    assert is_loopback(url) is loopback
