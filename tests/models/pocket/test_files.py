"""A look at safetensors files before a library reads them."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save, save_file

from syrinx.core.errors import ModelNotReady
from syrinx.models.pocket.files import look_at


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.safetensors"


def test_what_a_file_says_of_itself(path: Path) -> None:
    save_file({"a": np.zeros((2, 3), np.float32), "b": np.zeros(1, np.int64)}, path)
    assert look_at(path).tensors == {"a": ("F32", (2, 3)), "b": ("I64", (1,))}


def test_the_identity_sees_shapes_and_values(path: Path) -> None:
    seen: set[str] = set()
    for array in (np.zeros(9000, np.float32), np.ones(9000, np.float32), np.zeros((90, 100), np.float32)):
        save_file({"a": array}, path)
        seen |= {look_at(path).identity, look_at(path).identity}
    assert len(seen) == 3


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no safetensors"),
        (b"short", "no safetensors"),
        (b"rubbish that is longer", "no safetensors"),
        (pickle.dumps({"a": 1}), "pickle"),
        (b"PK\x03\x04" + bytes(100), "pickle"),
        (save({"a": np.zeros(100, np.float32)})[:-1], "truncated"),
        (save({"a": np.zeros(100, np.float32)})[:20], "truncated"),
        ((9).to_bytes(8, "little") + b"[" * 9, "no safetensors"),
        ((100_000).to_bytes(8, "little") + b"[" * 100_000, "no safetensors"),
        ((2).to_bytes(8, "little") + b"[]", "no safetensors"),
    ],
)
def test_what_is_no_whole_file_is_named(path: Path, data: bytes, why: str) -> None:
    path.write_bytes(data)
    with pytest.raises(ModelNotReady, match=why) as caught:
        look_at(path)
    assert str(path) in str(caught.value) and "syrinx models install pocket" in str(caught.value)


def test_a_file_that_is_not_there(path: Path) -> None:
    with pytest.raises(ModelNotReady, match="cannot be read"):
        look_at(path)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_file_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    path.write_bytes(len(data).to_bytes(8, "little") + data)
    try:
        look_at(path)
    except ModelNotReady:
        pass
