"""The command's frame: how each way of ending looks from outside."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from syrinx import __version__
from syrinx.cli.main import COMMANDS, guarded, main, without_stdin_sign
from syrinx.core.errors import ConfigError, InvalidRequest, ModelFailed, SyrinxError


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert [name for name in COMMANDS if name not in shown] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert f"Usage: syrinx {command}" in capsys.readouterr().out


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sya"], "Unknown command"),
        (["say", "--spede", "2", "Hi."], "--speed"),
        (["say", "Hi.", "--speed", "fast"], "--speed"),
        (["say", "Hi.", "--speed", "9"], "--speed"),
        (["say", "Hi.", "-o", "a.docx"], "docx"),
        (["say", "  "], "nothing to say"),
        (["say", "Hi.", "--url", "ftp://box", "-o", "a.wav"], "not the address of a server"),
        (["voices", "--model", "zork"], "zork"),
        (["text", "🎉"], "nothing in it"),
        (["serve", "--port", "70000"], "--port"),
        (["serve", "--host", "0.0.0.0", "--port", "0"], "key"),
        (["serve", "--wyoming", "10200"], "--wyoming"),
        (["serve", "--wyoming", "tcp://127.0.0.1:99999"], "tcp://HOST:PORT"),
        (["serve", "--wyoming", "tcp://0.0.0.0:10200"], "SYRINX_WYOMING_CLIENTS"),
        (["serve", "--wyoming", "unix:absent/folder/w.sock", "--port", "0"], "Cannot listen on unix:"),
        (["serve", "--config", "absent.toml"], "absent.toml"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("syrinx: ") and said in lines[0]
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_variable_stops_a_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SYRINX_PROT", "1")
    assert main(["doctor"]) == 2
    assert "SYRINX_PROT: there is no such setting. Did you mean SYRINX_PORT?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ConfigError("Wrong."), 2),
        (InvalidRequest("Wrong."), 2),
        (ModelFailed("Broken."), 1),
        (SyrinxError("Broken."), 1),
        (PermissionError(13, "Permission denied", "a.wav"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_each_kind_of_error_has_its_status(
    error: BaseException, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> int:
        raise error

    assert guarded(fail) == status
    assert "Traceback" not in capsys.readouterr().err


def test_a_file_that_cannot_be_used_is_named_in_plain_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(lambda: open("/nothing/here.zip").close()) == 1
    assert capsys.readouterr().err == "syrinx: /nothing/here.zip: No such file or directory.\n"


def test_a_bug_is_not_hidden() -> None:
    def fail() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        guarded(fail)


@pytest.mark.parametrize(
    ("given", "parsed"),
    [
        (["say", "-"], ["say"]),
        (["say", "-", "-o", "-"], ["say", "-o", "-"]),
        (["say", "--output", "-", "Hi."], ["say", "--output", "-", "Hi."]),
        (["text", "a-b", "--json"], ["text", "a-b", "--json"]),
    ],
)
def test_a_lone_dash_is_standard_input_or_output(given: list[str], parsed: list[str]) -> None:
    assert without_stdin_sign(given) == parsed


def test_models_are_listed_for_people_and_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    assert any(line.startswith("espeak") for line in capsys.readouterr().out.splitlines())
    assert main(["models", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["name"]: row["ready"] for row in rows}["tone"] is True
    assert {row["name"] for row in rows if row["kind"] == "aid"} == {"whisper"}
    told = {
        "kind",
        "name",
        "title",
        "summary",
        "licence",
        "languages",
        "clones",
        "environment",
        "device",
        "weights",
        "speed",
    }
    assert set(rows[0]) == told | {"ready", "needs"}


def test_variants_are_what_can_be_added_to_a_voice(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["voices", "--model", "espeak", "--variants", "--json"]) == 0
    variants = json.loads(capsys.readouterr().out)
    assert {"id": "+f3", "gender": "female"}.items() <= next(v for v in variants if v["id"] == "+f3").items()
    assert len(variants) > 50


def test_voices_can_be_narrowed_by_language(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["voices", "--model", "espeak", "--language", "pt_BR", "--json"]) == 0
    assert [row["id"] for row in json.loads(capsys.readouterr().out)] == ["pt-br"]


def test_text_tells_where_each_segment_stands(capsys: pytest.CaptureFixture[str]) -> None:
    written = "It costs $5. He left!"
    assert main(["text", written, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert "".join(row["text"] for row in rows) == written
    assert all(written[row["start"] : row["end"]] == row["text"] for row in rows)
    assert "five dollars" in rows[0]["spoken"]


def test_a_reader_that_leaves_early_is_no_error_worth_a_traceback() -> None:
    command = f"{sys.executable} -m syrinx voices --json | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "[\n"
    assert done.stderr == ""


def test_asking_for_help_imports_nothing_heavy() -> None:
    code = "import sys; from syrinx.cli.main import main; main(['--help']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    modules = set(done.stdout.split())
    assert "syrinx.cli.main" in modules
    assert modules.isdisjoint({"numpy", "pydantic", "starlette", "av", "httpx", "syrinx.config", "syrinx.cli.say"})
