"""Files that are missing, spoiled or another model's: each told by name, with the remedy."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from syrinx.core.errors import ModelNotReady
from syrinx.models.kokoro.weights import REMEDY, identity, load_model, load_voices

from .config import tiny
from .small import checkpoint


class Evil:
    """Makes a file when it is unpickled without care."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A checkpoint of links, to be spoiled file by file."""
    (tmp_path / "voices").mkdir()
    for name in ("config.json", "kokoro-v1_0.pth", "voices/af_heart.pt", "voices/bf_emma.pt"):
        os.symlink(checkpoint() / name, tmp_path / name)
    return tmp_path


def write(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(data)


def config(**changes: Any) -> bytes:
    return json.dumps({**tiny(), **changes}).encode()


SPOILED_CONFIGS = {
    "missing": None,
    "no JSON": b"{",
    "another model's": b'{"model_type": "llama"}',
    "no table": b"[]",
    "a vocab beyond its tokens": config(vocab={"a": 178}),
    "no sizes": json.dumps({k: v for k, v in tiny().items() if k != "plbert"}).encode(),
}


@pytest.mark.parametrize("data", SPOILED_CONFIGS.values(), ids=SPOILED_CONFIGS)
def test_a_spoiled_config_is_told(folder: Path, data: bytes | None) -> None:
    (folder / "config.json").unlink()
    if data is not None:
        write(folder / "config.json", data)
    with pytest.raises(ModelNotReady) as caught:
        load_model(folder)
    assert str(folder / "config.json") in caught.value.message and REMEDY in caught.value.message


def _truncated(path: Path) -> None:
    write(path, path.read_bytes()[:100_000])


def _pickle(path: Path) -> None:
    path.unlink()
    torch.save(Evil(path.with_name("evil")), path)


def _plain_pickle(path: Path) -> None:
    write(path, pickle.dumps(Evil(path.with_name("evil"))))


def _foreign(path: Path) -> None:
    path.unlink()
    torch.save({"model": {"layer": torch.zeros(2)}}, path)


def _list(path: Path) -> None:
    path.unlink()
    torch.save([torch.zeros(2)], path)


def _misshapen(path: Path) -> None:
    path.unlink()
    torch.save({"bert": {"pooler.weight": torch.zeros(2)}}, path)


def _gone(path: Path) -> None:
    path.unlink()


SPOILERS = (_gone, _truncated, _pickle, _plain_pickle, _foreign, _list, _misshapen)


@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda spoil: spoil.__name__)
def test_spoiled_weights_are_told_and_never_run(folder: Path, spoil: Callable[[Path], None]) -> None:
    spoil(folder / "kokoro-v1_0.pth")
    with pytest.raises(ModelNotReady) as caught:
        load_model(folder)
    assert str(folder / "kokoro-v1_0.pth") in caught.value.message and REMEDY in caught.value.message
    assert not (folder / "evil").exists()


def test_weights_of_another_size_are_told(folder: Path) -> None:
    write(folder / "config.json", config(n_layer=2))
    with pytest.raises(ModelNotReady, match=r"kokoro-v1_0\.pth: predictor does not fit"):
        load_model(folder)


@pytest.mark.parametrize("spoil", (_truncated, _pickle, _plain_pickle, _foreign, _misshapen), ids=lambda s: s.__name__)
def test_a_spoiled_voice_is_told(folder: Path, spoil: Callable[[Path], None]) -> None:
    spoil(folder / "voices" / "bf_emma.pt")
    with pytest.raises(ModelNotReady, match=r"bf_emma\.pt.*syrinx models install kokoro"):
        load_voices(folder)
    assert not (folder / "voices" / "evil").exists()


def test_no_voice_is_told_and_other_files_are_none(folder: Path) -> None:
    for file in (folder / "voices").iterdir():
        file.unlink()
    write(folder / "voices" / "notes.pt", b"x")
    with pytest.raises(ModelNotReady, match=r"has no voice such as af_heart\.pt"):
        load_voices(folder)


def test_only_voices_that_are_there_are_listed(folder: Path) -> None:
    assert set(load_voices(folder).packs) == {"af_heart", "bf_emma"}


def test_the_identity_follows_every_file(folder: Path) -> None:
    known = {identity(folder)}
    torch.save(torch.ones(510, 1, 256), folder / "voices" / "af_sky.pt")
    known.add(identity(folder))
    torch.save(torch.zeros(510, 1, 256), folder / "voices" / "af_sky.pt")
    known.add(identity(folder))
    write(folder / "config.json", config(dropout=0.1))
    known.add(identity(folder))
    assert len(known) == 4
