"""Announcing Wyoming: what is refused, and which addresses are told."""

from __future__ import annotations

import socket

import pytest

from syrinx.config import Settings
from syrinx.core.errors import ConfigError
from syrinx.server.wyoming import check_wyoming
from syrinx.server.wyoming_announce import addresses_of


def test_it_is_off_unless_somebody_asks() -> None:
    assert Settings().wyoming_announce is False
    check_wyoming(Settings())


@pytest.mark.parametrize("address", ["", "unix:/tmp/wyoming.sock"])
def test_what_nobody_can_connect_to_is_not_announced(address: str) -> None:
    with pytest.raises(ConfigError, match="needs a TCP address"):
        check_wyoming(Settings(wyoming=address, wyoming_announce=True))


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(wyoming="tcp://127.0.0.1:10200", wyoming_announce=True)
    check_wyoming(settings)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"syrinx-tts\[zeroconf\]"):
        check_wyoming(settings)


def test_an_address_is_told_as_it_is_and_every_one_of_this_machine_where_it_is_none() -> None:
    assert addresses_of("192.0.2.7", socket.AF_INET) == ["192.0.2.7"]
    everywhere = addresses_of("0.0.0.0", socket.AF_INET)
    assert everywhere and "0.0.0.0" not in everywhere
    assert everywhere == ["127.0.0.1"] or "127.0.0.1" not in everywhere
