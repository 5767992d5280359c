"""Fetching models: the real client library against a hub of our own, and where everything goes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from syrinx.core.errors import InvalidRequest, ModelNotReady
from syrinx.models.fetch import KYUTAI, MODES, QWEN_BASE, QWEN_CUSTOM, STAGING, Places, command, environment, outcome
from syrinx.models.locking import only_one
from tests.fakes.hub import Hub, hub

FILES = {"config.json": b"{}", "model.safetensors": b"weights" * 1000, "embeddings/alba.safetensors": b"alba"}


@pytest.fixture
def running_hub() -> Iterator[Hub]:
    with hub({KYUTAI: FILES}) as running:
        yield running


def run(
    repo: str, places: Places, hub_url: str, home: Path, files: tuple[str, ...] = (), *, mend: bool = False
) -> Path:
    """Fetch as the server and the command do, with a home of its own to see what is left there."""
    environ = {**os.environ, "HF_ENDPOINT": hub_url, "HOME": str(home), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    environ.pop("XDG_CACHE_HOME", None)
    done = subprocess.run(
        command(repo, places, files, mend=mend),
        stdout=subprocess.PIPE,
        env=environment(places, environ),
        check=False,
        timeout=60,
    )
    return outcome(repo, done.stdout)


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_0_37_a_model_is_complete_in_its_folder(running_hub: Hub, tmp_path: Path) -> None:
    places, home = Places(tmp_path / "data"), tmp_path / "home"
    home.mkdir()
    folder = run(KYUTAI, places, running_hub.url, home)
    assert folder == tmp_path / "data" / "models" / "Verylicious" / "pocket-tts-ungated"
    assert files_in(folder) == FILES
    assert files_in(home) == {}, "nothing lands in the user's home"
    asked = len(running_hub.asked)
    assert run(KYUTAI, places, running_hub.url, home) == folder
    assert len(running_hub.asked) == asked, "what is there needs no network"


def test_0_38_the_local_copy_is_preferred(tmp_path: Path) -> None:
    places = Places(tmp_path)
    assert places.local(KYUTAI) == KYUTAI
    places.model(KYUTAI).mkdir(parents=True)
    assert places.local(KYUTAI) == str(tmp_path / "models" / "Verylicious" / "pocket-tts-ungated")
    assert places.local(str(tmp_path)) == str(tmp_path)
    assert places.local("alba") == "alba"
    for odd in ("../models", "Verylicious/../x", "./models", "a/..", "models/."):
        assert places.local(odd) == odd


def test_a_download_that_breaks_off_leaves_no_half_model(running_hub: Hub, tmp_path: Path) -> None:
    places = Places(tmp_path / "data")
    running_hub.broken = {"model.safetensors"}
    with pytest.raises(ModelNotReady, match=KYUTAI):
        run(KYUTAI, places, running_hub.url, tmp_path)
    assert not places.model(KYUTAI).exists()
    running_hub.broken = set()
    assert files_in(run(KYUTAI, places, running_hub.url, tmp_path)) == FILES


def test_what_no_disk_has_room_for_is_told_before_anything_is_fetched(running_hub: Hub, tmp_path: Path) -> None:
    places = Places(tmp_path / "data")
    running_hub.sizes = {"model.safetensors": 10**15}
    with pytest.raises(ModelNotReady, match=r"it has 1000000\.0 GB, and .* GB is all there is room for"):
        run(KYUTAI, places, running_hub.url, tmp_path)
    assert not places.model(KYUTAI).exists()
    assert not any("/resolve/" in asked for asked in running_hub.asked)


@pytest.mark.parametrize("large", [set[str](), {"model.safetensors"}])
def test_what_is_not_what_its_checksum_says_is_fetched_again(running_hub: Hub, tmp_path: Path, large: set[str]) -> None:
    places = Places(tmp_path / "data")
    running_hub.large, running_hub.spoiled = large, {"model.safetensors"}
    with pytest.raises(ModelNotReady, match=r"model\.safetensors is not what the hub says"):
        run(KYUTAI, places, running_hub.url, tmp_path)
    assert not places.model(KYUTAI).exists()
    running_hub.spoiled = set()
    assert files_in(run(KYUTAI, places, running_hub.url, tmp_path)) == FILES


def test_only_the_files_that_are_needed_and_later_the_others(running_hub: Hub, tmp_path: Path) -> None:
    places = Places(tmp_path / "data")
    folder = run(KYUTAI, places, running_hub.url, tmp_path, ("config.json", "embeddings/*"))
    assert set(files_in(folder)) == {"config.json", "embeddings/alba.safetensors"}
    run(KYUTAI, places, running_hub.url, tmp_path, ("*.safetensors",))
    assert set(files_in(folder)) == {"config.json", "embeddings/alba.safetensors"}, "each pattern has a file already"
    run(KYUTAI, places, running_hub.url, tmp_path, ("model.safetensors",))
    assert files_in(folder) == FILES
    with pytest.raises(ModelNotReady, match=r"the hub has no \*\.gguf"):
        run(KYUTAI, places, running_hub.url, tmp_path, ("*.gguf",))


@pytest.mark.parametrize("files", [(), ("config.json", "*.safetensors")])
def test_a_file_that_was_spoiled_here_is_mended_and_no_other_is_fetched(
    files: tuple[str, ...], running_hub: Hub, tmp_path: Path
) -> None:
    places = Places(tmp_path / "data")
    folder = run(KYUTAI, places, running_hub.url, tmp_path, files)
    (folder / "model.safetensors").write_bytes(FILES["model.safetensors"][:-1])
    run(KYUTAI, places, running_hub.url, tmp_path, files)
    assert files_in(folder) != FILES, "what is there is not looked at"
    running_hub.asked.clear()
    assert run(KYUTAI, places, running_hub.url, tmp_path, files, mend=True) == folder
    assert files_in(folder) == FILES
    assert {line.rpartition("/")[2] for line in running_hub.asked if "/resolve/" in line} == {"model.safetensors"}


def test_what_is_only_linked_to_is_not_mended(running_hub: Hub, tmp_path: Path) -> None:
    places, own = Places(tmp_path / "data"), tmp_path / "own"
    own.mkdir()
    places.model(KYUTAI).parent.mkdir(parents=True)
    places.model(KYUTAI).symlink_to(own)
    with pytest.raises(ModelNotReady, match=f"is a link to {own}, which is not ours to mend"):
        run(KYUTAI, places, running_hub.url, tmp_path, mend=True)
    assert files_in(own) == {}


def test_two_at_once(running_hub: Hub, tmp_path: Path) -> None:
    places = Places(tmp_path / "data")
    with only_one(places.models / STAGING / f"{KYUTAI.replace('/', '--')}.lock", "at work"):
        with pytest.raises(ModelNotReady, match=f"Another process is fetching {KYUTAI}"):
            run(KYUTAI, places, running_hub.url, tmp_path)


def test_what_the_hub_does_not_have(running_hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(ModelNotReady, match=QWEN_BASE):
        run(QWEN_BASE, Places(tmp_path), running_hub.url, tmp_path)


@pytest.mark.parametrize("repo", ["../x", "a/..", "./a", "a", "a/b/c", "", "a/.b", "/etc/passwd", "a/b\n"])
def test_other_names_are_refused(repo: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest):
        Places(tmp_path).model(repo)


def test_folders(tmp_path: Path) -> None:
    environ = {"HF_HOME": "/home/x", "TRANSFORMERS_CACHE": "/home/y", "HF_HUB_DOWNLOAD_TIMEOUT": "5", "PATH": "/bin"}
    ours = environment(Places(tmp_path), environ)
    assert (ours["HF_HOME"], ours["HF_HUB_CACHE"]) == (str(tmp_path / "hf-cache"), str(tmp_path / "hf-cache" / "hub"))
    assert "TRANSFORMERS_CACHE" not in ours
    assert (ours["HF_HUB_DOWNLOAD_TIMEOUT"], ours["HF_HUB_ETAG_TIMEOUT"], ours["PATH"]) == ("5", "30", "/bin")
    assert Places(tmp_path, tmp_path / "c").cache == tmp_path / "c"


def test_modes() -> None:
    assert MODES["all"] == (KYUTAI, QWEN_CUSTOM, QWEN_BASE)
    assert MODES["qwen_all"] == (*MODES["qwen_custom"], *MODES["qwen_base"])


@pytest.mark.parametrize("said", [b"", b"\n", b"junk", b"{}", b"[]", b'{"error":"why"}'])
def test_what_the_process_said(said: bytes) -> None:
    with pytest.raises(ModelNotReady):
        outcome("a/b", said)
    assert outcome("a/b", b'noise\n{"saved_to":"/x"}\n') == Path("/x")
