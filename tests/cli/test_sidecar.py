"""What the sidecar's command is told, without starting it."""

from __future__ import annotations

from pathlib import Path

import pytest

from syrinx.cli.main import SIDECAR_FLAGS, as_sidecar
from syrinx.cli.sidecar import Bootstrap, parse_bootstrap, token_in
from syrinx.core.errors import ConfigError


def test_bootstrap() -> None:
    assert parse_bootstrap(b'{"token":"t","port":0,"data_dir":"d","x":1}') == Bootstrap("t", 0, Path("d"))
    assert parse_bootstrap(b'{"token":"","port":null}') == Bootstrap()


@pytest.mark.parametrize(
    "said", [b"", b"x", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"port":true}', b'{"port":-1}', b'{"token":1}']
)
def test_bad_bootstraps(said: bytes) -> None:
    with pytest.raises(ConfigError, match="--bootstrap-stdin"):
        parse_bootstrap(said)


def test_the_token_is_needed() -> None:
    assert token_in({"X": "t"}, "X") == "t"
    with pytest.raises(ConfigError, match="MY_TOKEN"):
        token_in({"MY_TOKEN": ""}, "MY_TOKEN")


def test_command_lines_of_the_sidecar_are_told_from_others() -> None:
    for flag in SIDECAR_FLAGS:
        assert as_sidecar([flag, "x"]) == ["sidecar", flag, "x"]
    assert as_sidecar(["--port=5"]) == ["sidecar", "--port=5"]
    assert as_sidecar(["serve", "--port", "5"]) == ["serve", "--port", "5"]
    assert as_sidecar(["--version"]) == ["--version"]
    assert as_sidecar([]) == ["--help"]
