"""``syrinx models`` and the commands below it; what they build and fetch is under test in ``tests/models``."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from syrinx.cli.main import main
from syrinx.cli.model_install import WeightsAsked, choose_weights
from syrinx.cli.models import describe_models
from syrinx.config import make_settings
from syrinx.core.errors import InvalidRequest
from syrinx.models.environment import Manifest
from syrinx.models.fetch import Places
from syrinx.models.installed import Installed
from syrinx.models.registry import ModelEntry
from syrinx.models.trial import Trial, Trials
from syrinx.models.weights import Weights
from tests.fakes.hub import hub
from tests.fakes.server_process import ServerPool
from tests.neural.vibevoice_realtime.weights import config_of

CODEC = Weights("org/codec", 1, "MIT", ("codec.bin",))
SMALL = Weights("org/Small", 1, "MIT", ("config.json",), parts=(CODEC,))
ENTRY = ModelEntry("m", "M", "s", "MIT", "m:C", "m:O", weights=(SMALL, Weights("org/Big", 9, "MIT")))


def folder_with(place: Path, *names: str) -> Path:
    place.mkdir(parents=True)
    for name in names:
        (place / name).touch()
    return place


def test_which_weights_are_meant(tmp_path: Path) -> None:
    assert choose_weights(ENTRY, WeightsAsked()) is SMALL
    assert choose_weights(ENTRY, WeightsAsked("small")) is SMALL
    assert choose_weights(ENTRY, WeightsAsked("ORG/big")) is ENTRY.weights[1]
    own = choose_weights(ENTRY, WeightsAsked("me/tuned"))
    assert own is not None and (own.repo, own.parts, own.files) == ("me/tuned", (CODEC,), ())
    with pytest.raises(InvalidRequest, match="none of the weights of m: org/Small, org/Big"):
        choose_weights(ENTRY, WeightsAsked("huge"))
    good, codec = folder_with(tmp_path / "good", "config.json"), folder_with(tmp_path / "codec", "codec.bin")
    assert choose_weights(ENTRY, WeightsAsked(from_=(good, codec))) is SMALL
    with pytest.raises(InvalidRequest, match=r"has no codec\.bin"):
        choose_weights(ENTRY, WeightsAsked(from_=(good, good)))
    with pytest.raises(InvalidRequest, match="2 folders at most"):
        choose_weights(ENTRY, WeightsAsked(from_=(good, codec, codec)))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["install", "ghost"], "There is no model 'ghost'"),
        (["install", "tone", "--weights", "a/b"], "tone has no weights"),
        (["install", "pocket", "--from", "nowhere"], "nowhere is not a folder"),
        (["install", "pocket", "--torch", "a build"], "no build of torch"),
        (["install", "pocket", "--torch-index", "somewhere"], "no URL"),
        (["remove", "ghost"], "There is no model 'ghost'"),
        (["convert-presets", "tone", "."], "tone has no presets"),
        (["convert-presets", "vibevoice-realtime", "nowhere"], "nowhere is neither a folder nor a file"),
        (["convert-presets", "vibevoice-realtime", __file__], "syrinx models install vibevoice-realtime"),
    ],
)
def test_wrong_usage_is_one_line_and_builds_nothing(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", *arguments, "--data-dir", str(tmp_path / "data")]) != 0
    err = capsys.readouterr().err
    assert said in err and len(err.splitlines()) == 1
    assert not (tmp_path / "data").exists()


def test_what_needs_no_environment_is_tried_and_its_speed_is_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "install", "tone", "--data-dir", str(tmp_path)]) == 0
    assert "The model tone is ready: syrinx serve --model tone" in capsys.readouterr().out
    assert main(["models", "list", "--json", "--data-dir", str(tmp_path)]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["tone"]["speed"]["x_realtime"] > 1 and rows["tone"]["device"] == "cpu"
    assert (
        rows["pocket"]["needs"].endswith("syrinx models install pocket") and rows["pocket"]["weights"][0]["size_bytes"]
    )


@pytest.mark.parametrize(
    ("source", "environment", "repo"),
    [
        ("upstream", "orpheus", "hubertsiuzdak/snac_24khz"),
        ("vllm", "orpheus-vllm", "canopylabs/orpheus-3b-0.1-ft"),
        ("transformers", "orpheus", "canopylabs/orpheus-3b-0.1-ft"),
    ],
)
def test_what_a_model_needs_is_listed_as_its_options_ask_for_it(
    source: str, environment: str, repo: str, tmp_path: Path
) -> None:
    settings = make_settings({"data_dir": tmp_path, "model_options": {"orpheus": {"source": source}}})
    (row,) = [row for row in describe_models(settings) if row["name"] == "orpheus"]
    assert (row["environment"], row["weights"][0]["repo"], row["ready"]) == (environment, repo, False)
    assert f"needs the environment {environment}" in row["needs"]


def test_a_file_of_speeds_that_is_spoiled_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "speeds.json").write_text("[1")
    Trials(tmp_path).write("tone", Trial(2.0, 0.1))
    assert Trials(tmp_path).read() == {"tone": Trial(2.0, 0.1)}


def test_a_running_server_is_found_and_told(
    servers: ServerPool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with servers.fresh(("espeak",)) as running:
        told = ["models", "use", "tone", "--data-dir", str(running.data_dir)]
        assert main(told) == 0
        assert f"{running.url} speaks with tone now." in capsys.readouterr().out
        assert httpx.get(f"{running.url}/v1/models", trust_env=False).json()["data"][0]["id"] == "tone"
        assert main(["models", "use", "pocket", "--url", running.url]) == 1, "it failed, and the usage was right"
        assert "syrinx models install pocket" in capsys.readouterr().err
        assert main(["models", "use", "auto", "--url", running.url]) == 0
    assert main(["models", "use", "tone", "--data-dir", str(tmp_path), "--url", running.url]) == 1


def test_weights_go_when_they_are_named_and_nobody_else_needs_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = folder_with(tmp_path / "models" / "Verylicious" / "pocket-tts-ungated", "config.json")
    where = ["--data-dir", str(tmp_path)]
    assert main(["models", "remove", "pocket", *where]) == 0
    assert "nothing of pocket to remove" in capsys.readouterr().out
    assert main(["models", "remove", "pocket", "--weights", *where]) == 1, "nobody could be asked"
    assert folder.exists()
    assert main(["models", "remove", "pocket", "--weights", "--yes", *where]) == 0
    assert not folder.exists()


def test_weights_are_fetched_into_the_data_folder(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from syrinx.cli.model_install import bring_weights

    installed = Installed(Places(tmp_path / "data"))
    files = {"org/Small": {"config.json": b"{}", "README.md": b"x"}, "org/codec": {"codec.bin": b"c"}}
    codec = folder_with(tmp_path / "own", "codec.bin")
    with hub(files) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        bring_weights(SMALL, installed, WeightsAsked())
        asked = len(running.asked)
        bring_weights(SMALL, installed, WeightsAsked())
        assert len(running.asked) == asked, "what is there is not asked for"
    assert installed.has(SMALL)
    assert not (installed.places.model("org/Small") / "README.md").exists()
    assert "org/codec is there." in capfd.readouterr().out
    bring_weights(
        SMALL, installed, WeightsAsked(from_=(folder_with(tmp_path / "new", "config.json"), codec), link=True)
    )
    assert installed.places.model("org/codec").resolve() == codec.resolve()


ANSWERS = """#!/bin/sh
case "$(cat)" in *good*) printf '{}\\nmade' ;; *) printf '{"error": "it is odd"}\\n' ;; esac
"""
"""Stands for the interpreter of the model's environment."""


def test_presets_become_voices_and_those_that_do_not_are_told_by_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installed = Installed(Places(tmp_path))
    environments, spec = installed.environments, installed.specs["vibevoice"]
    python = environments.python("vibevoice")
    python.parent.mkdir(parents=True)
    python.write_text(ANSWERS)
    python.chmod(0o755)
    environments.certify(Manifest("vibevoice", spec.digest(), "2.13.0"))
    told = ["models", "convert-presets", "vibevoice-realtime", str(tmp_path / "published"), "--data-dir", str(tmp_path)]
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "en-Bad_man.pt").write_bytes(b"bad")
    (tmp_path / "published" / "en-Good_man.pt").write_bytes(b"good")
    assert main(told) != 0
    assert "needs its weights" in capsys.readouterr().err
    weights = installed.places.model("microsoft/VibeVoice-Realtime-0.5B")
    weights.mkdir(parents=True)
    (weights / "config.json").write_text(json.dumps(config_of(True)))
    assert main(told) == 1
    said = capsys.readouterr()
    assert "en-Bad_man.pt: It is no preset of this model: it is odd." in said.err
    assert "en-Good_man: " in said.out
    (voice,) = (weights / "presets").iterdir()
    assert voice.read_bytes() == b"made"
