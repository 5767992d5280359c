"""Prompt files: whole or refused, never a pickle; and what a backend keeps of them is bounded."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.errors import InvalidRequest, VoiceNotFound
from syrinx.core.types import VoicePrompt
from syrinx.models.prompt import MAX_HEADER_BYTES, MAX_PROMPT_BYTES, PromptCache, decode_prompt, encode_prompt

TENSORS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b.c": np.array([7], np.int64),
    "half": np.zeros((2, 0, 3), np.float16),
    "flag": np.array(True),
}
GOOD = encode_prompt("tone", "1", TENSORS)


def refused(work: Any) -> str:
    with pytest.raises(InvalidRequest) as caught:
        work()
    assert caught.value.code == "bad_prompt"
    return str(caught.value)


def test_what_is_written_is_read() -> None:
    prompt = decode_prompt(GOOD)
    assert (prompt.model, prompt.revision) == ("tone", "1")
    assert set(prompt.tensors) == set(TENSORS)
    for name, array in TENSORS.items():
        assert prompt.tensors[name].dtype == array.dtype and np.array_equal(prompt.tensors[name], array)
    assert encode_prompt("tone", "1", dict(reversed(TENSORS.items()))) == GOOD


def test_any_safetensors_reader_reads_it(tmp_path: Path) -> None:
    from safetensors import safe_open

    (tmp_path / "p.safetensors").write_bytes(GOOD)
    with safe_open(tmp_path / "p.safetensors", "np") as file:
        assert file.metadata()["model"] == "tone"
        assert np.array_equal(file.get_tensor("a"), TENSORS["a"])


@pytest.mark.parametrize(
    "tensors",
    [
        {},
        {"a": np.array(["x"])},
        {"a": np.array([object()])},
        {"a": np.array([1j])},
        {"a": np.zeros(MAX_PROMPT_BYTES // 8, np.float64)},
    ],
    ids=["none", "words", "objects", "complex", "too much"],
)
def test_what_is_no_prompt_is_not_written(tensors: dict[str, Any]) -> None:
    refused(lambda: encode_prompt("m", "1", tensors))


@pytest.mark.parametrize(("model", "revision"), [("m" * 300, "1"), ("m", "\n"), ("m\x00", "1")])
def test_names_out_of_bounds_are_not_written(model: str, revision: str) -> None:
    refused(lambda: encode_prompt(model, revision, {"a": np.zeros(1)}))


def rewritten(**changes: Any) -> bytes:
    """The good file with another header."""
    (length,) = struct.unpack("<Q", GOOD[:8])
    header = json.loads(GOOD[8 : 8 + length])
    header["__metadata__"].update(changes)
    said = json.dumps({k: v for k, v in header.items() if v is not None}).encode()
    return struct.pack("<Q", len(said)) + said + GOOD[8 + length :]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x04junk",
        pickle.dumps({"a": 1}),
        GOOD[:-1],
        GOOD[:-4] + b"\xff\xff\xff\xff",
        GOOD + b"\0",
        struct.pack("<Q", 2**63) + GOOD[8:],
        struct.pack("<Q", MAX_HEADER_BYTES + 1) + b"{" + b" " * (MAX_HEADER_BYTES + 1),
        struct.pack("<Q", 50_000) + b"[" * 50_000,
        struct.pack("<Q", 2) + b"{}",
        rewritten(format="other"),
        rewritten(sha256="0" * 64),
        rewritten(model=5),
        rewritten(revision=None),
    ],
    ids=range(14),
)
def test_anything_else_is_refused(data: bytes) -> None:
    refused(lambda: decode_prompt(data))


@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_flipped_byte_is_noticed_or_says_the_same(at: int, by: int) -> None:
    data = bytearray(GOOD)
    data[at] ^= by
    try:
        prompt = decode_prompt(bytes(data))
    except InvalidRequest as error:
        assert error.code == "bad_prompt"
    else:
        assert all(np.array_equal(prompt.tensors[name], array) for name, array in TENSORS.items())


@given(st.binary(max_size=200), st.booleans())
def test_any_bytes_are_refused_and_nothing_else_is_raised(data: bytes, framed: bool) -> None:
    refused(lambda: decode_prompt(struct.pack("<Q", len(data)) + data if framed else data))


# --- what a backend keeps ------------------------------------------------------------------------------------------


def kept(folder: Path, number: int, model: str = "tone") -> VoicePrompt:
    data = encode_prompt(model, "1", {"n": np.full(100, number)})
    path = folder / f"{number}.safetensors"
    path.write_bytes(data)
    return VoicePrompt(hashlib.sha256(data).hexdigest(), str(path))


def test_a_prompt_is_read_once_and_the_longest_unused_goes_first(tmp_path: Path) -> None:
    cache = PromptCache(most=2)
    one, two, three = (kept(tmp_path, n) for n in range(3))
    first = cache.load(one, "tone")
    assert cache.load(one, "tone") is first
    second = cache.load(two, "tone")
    cache.load(one, "tone")
    cache.load(three, "tone")
    assert cache.load(one, "tone") is first
    assert cache.load(two, "tone") is not second


def test_what_is_kept_is_bounded_in_bytes(tmp_path: Path) -> None:
    prompts = [kept(tmp_path, n) for n in range(9)]
    size = Path(prompts[0].path).stat().st_size
    cache = PromptCache(most_bytes=3 * size)
    for prompt in prompts:
        assert cache.load(prompt, "tone").tensors["n"][0] >= 0
        assert cache.size <= 3 * size
    tiny = PromptCache(most_bytes=1)
    assert tiny.load(prompts[0], "tone") is tiny.load(prompts[0], "tone")


def test_a_deleted_voice_is_not_found_though_it_was_read_before(tmp_path: Path) -> None:
    cache, prompt = PromptCache(), kept(tmp_path, 1)
    cache.load(prompt, "tone")
    os.unlink(prompt.path)
    with pytest.raises(VoiceNotFound, match="deleted"):
        cache.load(prompt, "tone")
    with pytest.raises(VoiceNotFound):
        PromptCache().load(VoicePrompt("0" * 64, str(tmp_path / "none" / "such")), "tone")


def test_what_was_changed_or_is_anothers_or_no_file_is_refused(tmp_path: Path) -> None:
    prompt = kept(tmp_path, 1)
    assert "made by the model tone" in refused(lambda: PromptCache().load(prompt, "other"))
    Path(prompt.path).write_bytes(GOOD)
    assert "changed" in refused(lambda: PromptCache().load(prompt, "tone"))
    refused(lambda: PromptCache().load(VoicePrompt("0" * 64, str(tmp_path)), "tone"))
    (tmp_path / "link").symlink_to(prompt.path)
    refused(lambda: PromptCache().load(VoicePrompt("0" * 64, str(tmp_path / "link")), "tone"))
    os.mkfifo(tmp_path / "pipe")
    refused(lambda: PromptCache().load(VoicePrompt("0" * 64, str(tmp_path / "pipe")), "tone"))
