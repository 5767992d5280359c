"""``syrinx voices``: the list, and cloned voices made, exported, imported and deleted without a server."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from syrinx.cli.main import main
from syrinx.voices.store import VoiceStore
from tests.fakes.speech import recording, speech, tone

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run ``syrinx voices`` in an empty folder that holds two recordings; returns status, output and errors."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ann.mp3").write_bytes(recording(speech(), kind="mp3"))
    (tmp_path / "long.wav").write_bytes(recording(tone(seconds=40), 24_000))

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["voices", *arguments])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def clone(run: Run, *more: str, file: str = "ann.mp3") -> tuple[int, str, str]:
    return run("clone", file, "--name", "Anna", "--consent", "Anna, by mail", "--model", "tone", *more)


def test_a_voice_is_cloned_listed_exported_deleted_and_imported(run: Run, tmp_path: Path) -> None:
    assert clone(run, "--alias", "anna", "--language", "en-GB") == (
        0,
        "Anna is the voice anna of the model tone.\n",
        "",
    )
    (stored,) = VoiceStore(tmp_path / ".data" / "voices").all()
    assert (stored.draft.consent, stored.draft.language) == ("Anna, by mail", "en-GB")
    rows = json.loads(run("--model", "tone", "--json")[1])
    assert rows[-1] == {
        "id": stored.voice_id,
        "name": "Anna",
        "languages": ["en-GB"],
        "gender": "",
        "model": "tone",
        "cloned": True,
        "alias": "anna",
    }
    assert not any(row["cloned"] for row in rows[:-1])
    assert "anna" in run("--model", "tone")[1] and "Anna (cloned, tone)" in run()[1]
    assert "Anna" not in run("--model", "espeak")[1]

    assert run("export", "anna") == (0, "anna.zip\n", "")
    assert stat.S_IMODE((tmp_path / "anna.zip").stat().st_mode) == 0o600
    assert run("export", "anna")[0] == 1
    assert run("export", "Anna", "-o", "b.zip")[0] == 0
    assert run("import", "anna.zip") == (2, "", "syrinx: There is a voice with the alias 'anna'.\n")

    status, said, told = run("delete", "anna")
    assert status == 1 and str(stored.reference.parent) in said and "--yes" in told
    assert VoiceStore(tmp_path / ".data" / "voices").all() == [stored]
    assert run("delete", "anna", "--yes")[0] == 0
    assert run("delete", "anna", "--yes") == (2, "", "syrinx: There is no cloned voice 'anna'.\n")

    status, said, _ = run("import", "b.zip", "--json")
    again = json.loads(said)
    assert (status, again["alias"], again["name"], again["model"]) == (0, "anna", "Anna", "tone")
    assert again["id"] != stored.voice_id


def test_another_data_folder_can_be_named(run: Run, tmp_path: Path) -> None:
    status, said, _ = clone(run, "--data-dir", "other", "--json")
    assert status == 0 and Path(json.loads(said)["folder"]).is_relative_to(tmp_path / "other")
    assert not (tmp_path / ".data").exists()
    assert "Anna" in run("--model", "tone", "--data-dir", "other")[1]


def test_a_long_recording_is_cut_and_that_is_said(run: Run) -> None:
    status, _, told = clone(run, file="long.wav")
    assert (status, told) == (0, "The recording has 40 s of speech; the first 30 s are used.\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["clone", "ann.mp3", "--name", "x", "--consent", "x", "--model", "espeak"], "serve one that can: "),
        (["clone", "ann.mp3", "--name", "x"], "--consent"),
        (["clone", "ann.mp3", "--name", "x", "--consent", "x", "--alias", "../x"], "An alias is"),
        (["clone", "junk", "--name", "x", "--consent", "x"], "cannot be read"),
        (["clone", "empty", "--name", "x", "--consent", "x"], "cannot be read"),
        (["import", "junk"], "not that of a voice"),
        (["export", "nobody"], "no cloned voice 'nobody'"),
        (["export", "../../x"], "no cloned voice"),
        (["zork"], "zork"),
    ],
)
def test_wrong_usage_is_one_line_and_writes_nothing(run: Run, tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "junk").write_bytes(b"junk" * 100)
    (tmp_path / "empty").touch()
    before = sorted(tmp_path.iterdir())
    status, _, told = run(*arguments)
    assert status == 2 and told.startswith("syrinx: ") and said in told and told.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_a_file_that_is_not_there_is_told(run: Run) -> None:
    assert clone(run, file="none.wav")[0] == 1
    assert run("import", "none.zip")[0] == 1
