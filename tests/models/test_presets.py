"""Published voices: which files are taken, where what is made of them goes, and what a model without them says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from syrinx.core.errors import InvalidRequest
from syrinx.models.environment import EnvironmentSpec, Manifest
from syrinx.models.fetch import Places
from syrinx.models.installed import Installed
from syrinx.models.presets import MAX_BYTES, convert, made_in, pickles_in
from syrinx.models.registry import MODELS, find
from syrinx.models.weights import Weights


def upper(data: bytes, weights: Path, python: Path) -> bytes:
    """Stands for a converter."""
    if data == b"bad":
        raise InvalidRequest("It is no preset.")
    return data.upper()


def test_pickles_are_found_below_a_folder_and_a_file_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    for name in ("b.pt", "more/a.pt", "c.txt"):
        (tmp_path / name).touch()
    assert pickles_in(tmp_path) == [tmp_path / "b.pt", tmp_path / "more" / "a.pt"]
    assert pickles_in(tmp_path / "c.txt") == [tmp_path / "c.txt"]
    for wrong, said in ((tmp_path / "none", "neither"), (tmp_path / "empty", "no presets")):
        (tmp_path / "empty").mkdir(exist_ok=True)
        with pytest.raises(InvalidRequest, match=said):
            pickles_in(wrong)


def test_a_voice_lies_beside_the_weights_and_replaces_one_of_its_name(tmp_path: Path) -> None:
    source = tmp_path / "en-A_man.pt"
    for said in (b"one", b"two"):
        source.write_bytes(said)
        place = convert(source, tmp_path, Path("python"), upper)
        assert place == tmp_path / "presets" / "en-A_man.safetensors" and place.read_bytes() == said.upper()
    source.write_bytes(b"bad")
    with pytest.raises(InvalidRequest):
        convert(source, tmp_path, Path("python"), upper)
    assert place.read_bytes() == b"TWO", "the one that was there stays"
    assert made_in(tmp_path) == [place] and [path.name for path in place.parent.iterdir()] == [place.name]


def test_names_and_sizes_are_bounded(tmp_path: Path) -> None:
    for name in ("a b.pt", "\N{SNOWMAN}.pt", f"{'x' * 65}.pt"):
        (tmp_path / name).write_bytes(b"x")
        with pytest.raises(InvalidRequest, match="cannot be the name of a voice"):
            convert(tmp_path / name, tmp_path, Path("python"), upper)
    large = tmp_path / "large.pt"
    with large.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(InvalidRequest, match="more than"):
        convert(large, tmp_path, Path("python"), upper)
    assert made_in(tmp_path) == []


class Spec(EnvironmentSpec):
    """One whose lock is in the test."""

    def lock(self) -> str:
        return "numpy==2\n"


def test_a_model_without_its_voices_says_how_to_get_them(tmp_path: Path) -> None:
    spec = Spec("env", "nowhere", torch="")
    entry = replace(find("vibevoice-realtime"), environment="env", weights=(Weights("org/small", 1, "MIT"),))
    installed = Installed(Places(tmp_path), models={entry.name: entry}, specs={"env": spec})
    python = installed.environments.python("env")
    python.parent.mkdir(parents=True)
    python.touch()
    installed.environments.certify(Manifest("env", spec.digest(), ""))
    assert "syrinx models install vibevoice-realtime" in (installed.lacking(entry) or "")
    folder = tmp_path / "models" / "org" / "small"
    (folder / "presets").mkdir(parents=True)
    assert "syrinx models convert-presets vibevoice-realtime DIR" in (installed.lacking(entry) or "")
    (folder / "presets" / "en-A_man.safetensors").touch()
    assert installed.lacking(entry) is None


def test_a_model_with_presets_names_what_converts_them() -> None:
    with_presets = [entry for entry in MODELS.values() if entry.presets]
    assert with_presets and all(callable(entry.converter()) for entry in with_presets)
    with pytest.raises(InvalidRequest, match="tone has no presets"):
        find("tone").converter()
