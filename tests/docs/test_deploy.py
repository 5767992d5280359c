"""What is in ``deploy/`` can be used as it is."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from syrinx.config import FIELDS, PREFIX, Settings, read_settings
from syrinx.founding import ALIASES
from syrinx.server.run import CLOSE_S

DEPLOY = Path(__file__).parents[2] / "deploy"
UNIT = DEPLOY / "syrinx.service"
EXAMPLE = DEPLOY / "syrinx.env.example"
HARDENING = {
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "DynamicUser": "yes",
    "StateDirectory": "syrinx",
    "CapabilityBoundingSet": "",
}


def variables() -> dict[str, str]:
    """The example's settings as if all of them were uncommented."""
    return dict(re.findall(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE.read_text(encoding="utf-8"), re.MULTILINE))


def unit() -> dict[str, list[str]]:
    """Every key of the unit with its values, whatever the section."""
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("#", "[")):
            key, equals, value = line.partition("=")
            assert equals and re.fullmatch(r"[A-Z][A-Za-z]*", key), line
            found.setdefault(key, []).append(value)
    return found


def test_every_variable_of_the_example_exists() -> None:
    known = {PREFIX + name.upper() for name in FIELDS} | {alias.variable for alias in ALIASES if alias.setting}
    assert len(variables()) >= 10
    assert set(variables()) - known == set()


def test_every_value_of_the_example_is_taken() -> None:
    read = read_settings(variables())
    assert (read.host, read.api_key, read.workers) == ("0.0.0.0", "change-me", 1)


def test_nothing_is_set_before_somebody_says_so() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []


def test_the_unit_takes_away_what_the_server_does_not_need() -> None:
    said = unit()
    assert {key: said[key][-1] for key in HARDENING} == HARDENING
    assert said["EnvironmentFile"] == ["-/etc/syrinx/syrinx.env"]
    assert said["ExecStart"] == ["/opt/syrinx/bin/syrinx serve"]
    assert said["Environment"] == ["SYRINX_DATA_DIR=/var/lib/syrinx"]


def test_the_unit_waits_longer_than_a_drain_takes() -> None:
    (wait_s,) = unit()["TimeoutStopSec"]
    assert int(wait_s) > Settings().drain_timeout_s + CLOSE_S


@pytest.mark.parametrize("changed", [False, True])
def test_systemd_finds_nothing_wrong_with_the_unit(changed: bool, tmp_path: Path) -> None:
    """Where its own checker is installed; a spoilt unit shows that the checker looks."""
    text = UNIT.read_text(encoding="utf-8").replace("/opt/syrinx/bin/syrinx", shutil.which("true") or "/bin/true")
    if changed:
        text = text.replace("Type=exec", "Type=zork")
    copy = tmp_path / UNIT.name
    copy.write_text(text, encoding="utf-8")
    checker = shutil.which("systemd-analyze")
    if checker is not None:
        command = [checker, "verify", "--man=no", str(copy)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode != 0 or "zork" in done.stderr) is changed, done.stderr
