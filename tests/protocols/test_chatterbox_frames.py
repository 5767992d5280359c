"""Frames of so many tokens: what goes in comes out, in the lengths that were asked for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from syrinx.protocols.chatterbox.frames import TOKEN_BYTES, WHOLE_BYTES, Frames


def test_the_first_frames_grow_from_one_token_to_the_full_length() -> None:
    frames = Frames(25 * TOKEN_BYTES, first=TOKEN_BYTES)
    lengths = [len(frame) // TOKEN_BYTES for frame in frames.push(bytes(100 * TOKEN_BYTES))]
    assert lengths == [1, 1, 2, 4, 8, 16, 25, 25]
    assert len(frames.rest()[0]) == (100 - sum(lengths)) * TOKEN_BYTES


def test_without_a_short_start_every_frame_has_the_full_length() -> None:
    frames = Frames(10 * TOKEN_BYTES, first=10 * TOKEN_BYTES)
    assert [len(frame) for frame in frames.push(bytes(35 * TOKEN_BYTES))] == [10 * TOKEN_BYTES] * 3


def test_a_frame_shorter_than_the_first_rules() -> None:
    assert len(Frames(4, first=TOKEN_BYTES).push(bytes(12))) == 3


def test_whole_is_one_frame_with_a_bound() -> None:
    frames = Frames.whole()
    assert frames.push(bytes(WHOLE_BYTES - 4)) == []
    first = frames.push(bytes(8))
    assert [len(frame) for frame in (*first, *frames.rest())] == [WHOLE_BYTES, 4]
    assert frames.rest() == []


@given(st.lists(st.binary(max_size=300).map(lambda part: part[: len(part) // 4 * 4])), st.integers(1, 20))
def test_joined_the_frames_are_what_went_in(parts: list[bytes], samples: int) -> None:
    frames = Frames(samples * 4, first=8)
    out = [frame for part in parts for frame in frames.push(part)]
    assert all(0 < len(frame) <= samples * 4 for frame in out)
    out += frames.rest()
    assert b"".join(out) == b"".join(parts) and all(len(frame) % 4 == 0 for frame in out)
