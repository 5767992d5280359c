"""A folder of weights is looked at before anything is loaded."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from syrinx.core.errors import ModelNotReady
from syrinx.models.chatterbox.checkpoint import LAYOUTS, find


def fill(folder: Path, variant: str = "english") -> Path:
    layout = LAYOUTS[variant]  # type: ignore[index]
    for name in (layout.t3, layout.s3gen[0], layout.voice_encoder[0]):
        if name.endswith(".pt"):
            archive(folder / name)
        else:
            save_file({"x": np.zeros(4, np.float32)}, folder / name)
    (folder / layout.tokenizer[0]).write_text("{}")
    archive(folder / "conds.pt")
    return folder


def archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("data.pkl", b"x")


@pytest.mark.parametrize("variant", LAYOUTS)
def test_the_files_say_which_model_it_is(tmp_path: Path, variant: str) -> None:
    assert find(str(fill(tmp_path, variant)), "auto").variant == variant


def test_the_identity_changes_with_a_file(tmp_path: Path) -> None:
    before = find(str(fill(tmp_path)), "auto").identity
    assert find(str(tmp_path), "english").identity == before
    save_file({"x": np.zeros(5, np.float32)}, tmp_path / "t3_cfg.safetensors")
    assert find(str(tmp_path), "auto").identity != before


@pytest.mark.parametrize("name", ["s3gen.safetensors", "ve.safetensors", "tokenizer.json", "conds.pt"])
def test_a_missing_file_is_named_with_the_remedy(tmp_path: Path, name: str) -> None:
    (fill(tmp_path) / name).unlink()
    with pytest.raises(ModelNotReady) as caught:
        find(str(tmp_path), "auto")
    assert name in caught.value.message and "syrinx models install chatterbox" in caught.value.message


@pytest.mark.parametrize("weights", ["", "/nowhere/at/all"])
def test_no_folder(weights: str) -> None:
    with pytest.raises(ModelNotReady, match="syrinx models install chatterbox"):
        find(weights, "auto")


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(ModelNotReady, match="holds no Chatterbox"):
        find(str(tmp_path), "auto")


def test_a_model_that_is_asked_for_and_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelNotReady, match="t3_turbo_v1"):
        find(str(fill(tmp_path)), "turbo")


def test_a_truncated_file(tmp_path: Path) -> None:
    path = fill(tmp_path) / "s3gen.safetensors"
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(ModelNotReady, match=r"s3gen\.safetensors.*truncated"):
        find(str(tmp_path), "auto")


@pytest.mark.parametrize("content", [b"", b"junk", b"\xff" * 100, b"\x10" + bytes(7) + b"{" + bytes(30)])
def test_a_file_of_another_kind(tmp_path: Path, content: bytes) -> None:
    (fill(tmp_path) / "ve.safetensors").write_bytes(content)
    with pytest.raises(ModelNotReady, match=r"ve\.safetensors.*no safetensors file"):
        find(str(tmp_path), "auto")


def test_a_pickle_where_safetensors_belong(tmp_path: Path) -> None:
    archive(fill(tmp_path) / "t3_cfg.safetensors")
    with pytest.raises(ModelNotReady, match=r"t3_cfg\.safetensors.*pickle"):
        find(str(tmp_path), "auto")
