"""``syrinx purge``: what it names, what it keeps, and the folders it will not touch."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from syrinx.cli.main import main
from syrinx.server.run_file import MARK, announced


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with something of every kind, and something that is not Syrinx's."""
    folder = tmp_path / "data"
    for name, size in {
        "logs/metrics.log": 10,
        "syrinx.db": 2000,
        "syrinx.db-wal": 1,
        "cache/audio/ab": 500,
        "models/org/repo/weights": 3_000_000,
        "hf-cache/hub/x": 7,
        "environments/kokoro/bin/python": 8,
        "voices/1/meta.json": 9,
        "holiday.txt": 11,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x" * size)
    (folder / MARK).write_text("")
    return folder


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def purge(folder: Path, *options: str) -> int:
    return main(["purge", "--data-dir", str(folder), *options])


def test_what_would_go_is_listed_with_sizes_and_nothing_goes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = names(folder)
    assert purge(folder, "--dry-run") == 0
    said = capsys.readouterr().out
    for line in ("2.0 kB", "3.0 MB", "500 bytes", str(folder / "models"), str(folder / "syrinx.db-wal")):
        assert line in said
    assert "Voices are kept" in said and "holiday" not in said
    assert names(folder) == before


def test_everything_but_voices_and_what_is_not_ours_goes(folder: Path) -> None:
    assert purge(folder, "--yes") == 0
    assert names(folder) == {MARK, "voices", "holiday.txt"}


def test_voices_go_when_they_are_named(folder: Path) -> None:
    assert purge(folder, "--yes", "--voices") == 0
    assert names(folder) == {MARK, "holiday.txt"}


def test_nothing_goes_where_nobody_can_be_asked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = names(folder)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert purge(folder) == 2
    assert "--yes" in capsys.readouterr().err
    assert names(folder) == before


@pytest.mark.parametrize(("answer", "goes"), [("y", True), ("Yes", True), ("n", False), ("", False), ("x", False)])
def test_it_asks_first(answer: str, goes: bool, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("builtins.input", lambda question: answer)
    assert purge(folder) == (0 if goes else 1)
    assert ("models" not in names(folder)) is goes


def test_a_link_at_the_top_and_what_it_leads_to_are_left_alone(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    (folder / "models").rename(elsewhere)
    (folder / "models").symlink_to(elsewhere)
    assert purge(folder, "--yes") == 0
    assert (folder / "models").is_symlink() and (elsewhere / "org" / "repo" / "weights").exists()
    assert "is a link and is left alone" in capsys.readouterr().err


def test_a_link_inside_goes_and_what_it_leads_to_stays(folder: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "letter").write_text("x")
    (folder / "hf-cache" / "link").symlink_to(precious)
    assert purge(folder, "--yes") == 0
    assert (precious / "letter").exists() and not (folder / "hf-cache").exists()


@pytest.mark.parametrize("name", [".git", "pyproject.toml", "package.json"])
def test_somebodys_project_is_refused(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / name).mkdir()
    assert purge(folder, "--yes") == 2
    assert "project" in capsys.readouterr().err
    assert (folder / "models").exists()


def test_a_folder_that_no_server_used_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / MARK).unlink()
    assert purge(folder, "--yes") == 2
    assert "not a data folder of Syrinx" in capsys.readouterr().err
    assert (folder / "models").exists()


def test_a_link_to_a_data_folder_a_file_and_a_home_are_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert purge(tmp_path / "link", "--yes") == 2
    assert purge(folder / "holiday.txt", "--yes") == 2
    monkeypatch.setenv("HOME", str(folder))
    assert purge(folder, "--yes") == 2
    assert (folder / "models").exists()


def test_a_folder_in_use_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with announced(folder, "http://127.0.0.1:8123", 20.0):
        assert purge(folder, "--yes") == 2
    assert "http://127.0.0.1:8123" in capsys.readouterr().err
    assert (folder / "models").exists()


def test_an_absent_or_empty_folder_is_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert purge(tmp_path / "absent", "--yes") == 0
    (tmp_path / MARK).write_text("")
    assert purge(tmp_path) == 0
    assert "nothing to remove" in capsys.readouterr().out


def test_a_database_elsewhere_is_kept_and_told_of(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SYRINX_DATABASE_URL", "postgresql://box/syrinx")
    assert purge(folder, "--dry-run") == 0
    assert "database_url" in capsys.readouterr().out
