"""The benches of models beside their libraries, as far as they run without one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.models import pocket


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """One with the configurations of a library and nothing else."""
    folder = tmp_path / "lib" / "python3.11" / "site-packages" / "pocket_tts" / "config"
    folder.mkdir(parents=True)
    for name in ("english", "english_2m_2026-10"):
        (folder / f"{name}.yaml").touch()
    return tmp_path


def refusal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    monkeypatch.setattr(sys, "argv", ["pocket", *words])
    with pytest.raises(SystemExit) as caught:
        pocket.main()
    assert caught.value.code == 2
    return capsys.readouterr().err


def test_a_configuration_that_the_library_has_not_is_told_with_those_it_has(
    environment: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(monkeypatch, capsys, str(environment), "--config", "english_2m")
    assert "--config english_2m: the library has english, english_2m_2026-10." in said


def test_an_environment_without_the_library_is_told_with_what_builds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "make test-models MODEL=pocket" in refusal(monkeypatch, capsys, str(tmp_path))
