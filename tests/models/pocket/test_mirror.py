"""Which files of a folder make the model."""

from __future__ import annotations

from pathlib import Path

import pytest

from syrinx.core.errors import ModelNotReady
from syrinx.models.pocket.mirror import OTHER_REPO, Mirror, default_voice, language_of

PACKAGED = {name: Path("/packaged") / f"{name}.yaml" for name in ("english", "english_2026-01", "french", "english_2m")}


def put(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "kyutai" / "pocket-tts"
    path.mkdir(parents=True)
    return path


@pytest.mark.parametrize(
    ("files", "wanted", "name"),
    [
        ((), "", "english"),
        ((), "french", "french"),
        (("languages/french/model.safetensors",), "", "french"),
        (("languages/french/model.safetensors", "languages/english/model.safetensors"), "", "english"),
        (("tts_b6369a24.safetensors", "tokenizer.model"), "", "english_2026-01"),
        (("tts_b6369a24.safetensors", "voicereader-pocket-tts.yaml"), "", "voicereader-pocket-tts"),
        (("mine.yaml",), "", "mine"),
        (("model.yaml", "other.yaml"), "", "model"),
        (("one.yaml", "other.yaml"), "", "english"),
        (("one.yaml", "other.yaml"), "other.yaml", "other"),
        (("one.yaml", "other.yaml"), "one", "one"),
    ],
)
def test_the_configuration(folder: Path, files: tuple[str, ...], wanted: str, name: str) -> None:
    put(folder, *files)
    assert Mirror(folder).config(wanted, PACKAGED).name == name


@pytest.mark.parametrize("wanted", ["klingon", "nowhere.yaml"])
def test_a_configuration_that_is_not_there(folder: Path, wanted: str) -> None:
    with pytest.raises(ModelNotReady, match=wanted):
        Mirror(folder).config(wanted, PACKAGED)


def test_files_of_the_hub_are_found_here_and_in_the_repository_beside(folder: Path) -> None:
    reference = f"hf://kyutai/{OTHER_REPO}/languages/english/tokenizer.json@00eac05e"
    mirror = Mirror(folder)
    assert mirror.file(reference) is None
    put(folder, "tokenizer.json")
    assert mirror.file(reference) == folder / "tokenizer.json"
    put(folder.parent / OTHER_REPO, "languages/english/tokenizer.json")
    assert mirror.file(reference) == folder.parent / OTHER_REPO / "languages/english/tokenizer.json"
    put(folder, "languages/english/tokenizer.json")
    assert mirror.file(reference) == folder / "languages/english/tokenizer.json"


def test_paths_and_urls_are_found_by_name(folder: Path) -> None:
    mirror = Mirror(folder)
    put(folder, "tts_1.safetensors", "model.safetensors", "inner/a.safetensors")
    assert mirror.file("/another/machine/model.safetensors") == folder / "model.safetensors"
    assert mirror.file("https://example.org/x/model.safetensors?download=1") == folder / "model.safetensors"
    assert mirror.file("inner/a.safetensors") == folder / "inner/a.safetensors"
    assert mirror.file("gone.safetensors") is None
    assert mirror.file("gone.safetensors", ("tts_*.safetensors",)) == folder / "tts_1.safetensors"
    assert mirror.file(str(folder / "model.safetensors")) == folder / "model.safetensors"


def test_voices_by_name_from_every_place_and_further_ones_first(folder: Path, tmp_path: Path) -> None:
    put(
        folder,
        "languages/english_2026-10/embeddings/alba.safetensors",
        "embeddings/b.safetensors",
        "voices/c.safetensors",
    )
    put(
        folder.parent / OTHER_REPO,
        "languages/english/embeddings/alba.safetensors",
        "languages/french/embeddings/f.safetensors",
    )
    put(tmp_path / "own", "alba.safetensors", "z.safetensors", "notes.txt")
    mirror = Mirror(folder)
    assert set(mirror.voices("english")) == {"alba", "b", "c"}
    assert set(mirror.voices("french")) == {"f", "b", "c"}
    assert list(mirror.voices("english", str(tmp_path / "own")))[:2] == ["alba", "z"]
    assert mirror.voices("english", str(tmp_path / "own"))["alba"] == tmp_path / "own" / "alba.safetensors"
    with pytest.raises(ModelNotReady):
        mirror.voices("english", str(tmp_path / "nowhere"))


@pytest.mark.parametrize(("config", "language"), [("english_2m_2026-10", "en"), ("french_24l", "fr"), ("mine", "en")])
def test_the_language_is_in_the_name(config: str, language: str) -> None:
    assert language_of(config) == language


def test_the_default_voice() -> None:
    assert default_voice(["x", "alba"], "en", "") == "alba"
    assert default_voice(["alba", "giovanni"], "it", "") == "giovanni"
    assert default_voice(["x", "y"], "en", "") == "x"
    assert default_voice(["x", "y"], "en", "y") == "y"
    with pytest.raises(ModelNotReady, match="nobody"):
        default_voice(["x"], "en", "nobody")
