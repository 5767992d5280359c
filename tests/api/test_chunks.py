from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from syrinx.api.chunks import Cutter


def taken(cutter: Cutter) -> list[bytes]:
    chunks: list[bytes] = []
    while (chunk := cutter.take()) is not None:
        chunks.append(chunk)
    return chunks


@given(st.lists(st.binary(max_size=50)), st.integers(1, 40), st.integers(0, 30))
def test_chunks_are_of_one_size_and_lose_nothing(pieces: list[bytes], size: int, padding: int) -> None:
    cutter, chunks = Cutter(size), []
    for piece in pieces:
        cutter.push(piece)
        chunks += taken(cutter)
    assert all(len(chunk) == size for chunk in chunks)
    cutter.finish(padding)
    chunks += taken(cutter)
    assert b"".join(chunks) == b"".join(pieces) + bytes(padding)
    assert all(len(chunk) == size for chunk in chunks[:-1])
    assert not cutter.waiting


@given(st.lists(st.binary(max_size=50)))
def test_without_a_size_all_is_one_chunk(pieces: list[bytes]) -> None:
    cutter = Cutter(None)
    for piece in pieces:
        cutter.push(piece)
        assert cutter.take() is None and not cutter.waiting
    cutter.finish()
    whole = b"".join(pieces)
    assert taken(cutter) == ([whole] if whole else [])


def test_a_flush_gives_what_is_held_and_the_next_chunk_is_whole_again() -> None:
    cutter = Cutter(4)
    cutter.push(b"abcdef")
    assert cutter.take() == b"abcd"
    assert cutter.take() is None and cutter.waiting
    cutter.flush()
    assert taken(cutter) == [b"ef"]
    cutter.push(b"gh")
    assert cutter.take() is None
