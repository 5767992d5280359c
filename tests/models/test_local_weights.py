"""Weights from a folder: whole in their place, or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from syrinx.core.errors import InvalidRequest, ModelNotReady
from syrinx.models.fetch import STAGING, Places
from syrinx.models.local_weights import take
from syrinx.models.locking import only_one
from syrinx.models.weights import Weights, absent_of, wanted

WEIGHTS = Weights("org/repo", 10, "MIT", files=("config.json", "*.safetensors"))
FILES = {"config.json": b"{}", "model.safetensors": b"weights", "voices/a.safetensors": b"a", "README.md": b"much"}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name, data in FILES.items():
        (tmp_path / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "source" / name).write_bytes(data)
    return tmp_path / "source"


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "data")


def names_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def left_over(places: Places) -> list[str]:
    return [path.name for path in (places.models / STAGING).iterdir() if path.suffix != ".lock"]


def test_what_is_needed_is_copied_and_what_was_there_is_replaced(source: Path, places: Places) -> None:
    place = take(source, WEIGHTS, places)
    assert place == places.model("org/repo")
    assert names_in(place) == {"config.json", "model.safetensors", "voices/a.safetensors"}
    (place / "old.safetensors").touch()
    (source / "model.safetensors").write_bytes(b"newer")
    take(source, WEIGHTS, places)
    assert (place / "model.safetensors").read_bytes() == b"newer" and not (place / "old.safetensors").exists()
    assert take(place, WEIGHTS, places) == place and names_in(place), "itself"
    assert left_over(places) == []


def test_links_in_it_are_followed_as_in_the_hubs_cache(source: Path, places: Places, tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(b"blob")
    (source / "model.safetensors").unlink()
    (source / "model.safetensors").symlink_to(tmp_path / "blob")
    copied = take(source, WEIGHTS, places) / "model.safetensors"
    assert copied.read_bytes() == b"blob" and not copied.is_symlink()


def test_a_link_to_it_and_back_to_a_copy_leaves_the_folder_alone(source: Path, places: Places) -> None:
    place = take(source, WEIGHTS, places, link=True)
    assert place.is_symlink() and place.resolve() == source.resolve()
    other = source.with_name("other")
    source.rename(other)
    take(other, WEIGHTS, places)
    assert not place.is_symlink() and names_in(other) == set(FILES)


@pytest.mark.parametrize(("lost", "said"), [("config.json", "has no config.json"), ("all", "is empty")])
def test_a_folder_without_what_is_needed_changes_nothing(lost: str, said: str, source: Path, places: Places) -> None:
    place = take(source, WEIGHTS, places)
    bad = source.with_name("bad")
    bad.mkdir()
    if lost != "all":
        (bad / "model.safetensors").touch()
    with pytest.raises(InvalidRequest, match=said):
        take(bad, WEIGHTS, places)
    with pytest.raises(InvalidRequest, match="is not a folder"):
        take(source / "config.json", WEIGHTS, places)
    assert "config.json" in names_in(place)


def test_what_no_disk_has_room_for_changes_nothing(source: Path, places: Places) -> None:
    place = take(source, WEIGHTS, places)
    with (source / "model.safetensors").open("r+b") as sparse:
        sparse.truncate(10**13)  # takes no room itself
    with pytest.raises(ModelNotReady, match=r"no room for org/repo in .*: the disk is full"):
        take(source, WEIGHTS, places)
    assert (place / "model.safetensors").read_bytes() == b"weights" and left_over(places) == []


def test_two_at_once(source: Path, places: Places) -> None:
    with only_one(places.models / STAGING / "org--repo.lock", "at work"):
        with pytest.raises(ModelNotReady, match="Another process is installing org/repo"):
            take(source, WEIGHTS, places)


def test_patterns() -> None:
    assert wanted("a/b.safetensors", ("*.safetensors",)) and wanted("anything", ())
    assert not wanted("a.bin", ("*.safetensors",))
    assert absent_of(["config.json"], ("config.json", "*.bin")) == ["*.bin"]
