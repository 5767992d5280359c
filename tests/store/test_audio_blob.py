"""A job's audio as a file: what comes back is what went in, or an error, never anything else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.types import AudioChunk, Mark, MarkKind, Span
from syrinx.store.audio_blob import CorruptBlob, decode_blob, encode_blob
from tests.store.audio import same, speech

marks = st.builds(
    Mark,
    st.sampled_from(MarkKind),
    st.builds(Span, st.integers(0, 9), st.integers(0, 9)),
    st.floats(0, 9),
    st.floats(0, 9),
    st.booleans(),
    st.text(max_size=3),
)
pieces = st.builds(
    lambda values, said: AudioChunk(np.array(values, np.float32), 24_000, tuple(said)),
    st.lists(st.floats(width=32), max_size=5),
    st.lists(marks, max_size=2),
)


@given(st.lists(pieces, max_size=4))
def test_it_comes_back_sample_for_sample_and_mark_for_mark(chunks: list[AudioChunk]) -> None:
    assert same(decode_blob("key", encode_blob("key", chunks)), chunks)


@given(st.data())
def test_any_change_is_found(data: st.DataObject) -> None:
    blob = bytearray(encode_blob("key", speech(0.01)))
    at = data.draw(st.integers(0, len(blob) - 1))
    blob[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CorruptBlob):
        decode_blob("key", bytes(blob))


@given(st.integers(0, 200))
def test_a_torn_file_is_found(kept: int) -> None:
    blob = encode_blob("key", speech(0.01))
    with pytest.raises(CorruptBlob):
        decode_blob("key", blob[: len(blob) * kept // 201])


@given(st.binary(max_size=200))
def test_any_bytes_give_audio_or_that_one_error(junk: bytes) -> None:
    with pytest.raises(CorruptBlob):
        decode_blob("key", junk)


def test_anothers_file_is_found() -> None:
    with pytest.raises(CorruptBlob, match="another's"):
        decode_blob("mine", encode_blob("yours", speech(0.01)))


def test_what_is_read_can_be_shared() -> None:
    (chunk,) = decode_blob("key", encode_blob("key", speech(0.01)))
    assert not chunk.samples.flags.writeable and chunk.samples.flags.aligned
