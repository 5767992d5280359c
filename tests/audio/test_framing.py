"""Messages of a socket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.audio.encode import CONTAINERS
from syrinx.audio.framing import Framer, Framing
from syrinx.core.errors import UnsupportedFormat

SECOND = bytes(48000)


def test_defaults_give_one_frame_at_once_and_then_nine_at_a_time() -> None:
    framer = Framer(Framing(), 24000, 2)
    messages = [message for start in range(0, 48000, 1000) for message in framer.push(SECOND[start : start + 1000])]
    assert [len(message) for message in messages] == [1920, 17280, 17280]
    assert framer.pending == 48000 - 1920 - 2 * 17280
    assert [len(message) for message in framer.flush()] == [framer_rest := 48000 - 1920 - 2 * 17280]
    assert framer_rest and framer.pending == 0
    assert framer.flush() == []


def test_the_number_of_frames_bounds_a_message_too() -> None:
    framer = Framer(Framing(flush_every=4), 24000, 2)
    assert [len(message) for message in framer.push(SECOND)] == [1920] + [4 * 1920] * 6


def test_without_first_immediate_the_first_message_is_gathered_like_the_others() -> None:
    framer = Framer(Framing(first_immediate=False), 24000, 2)
    assert [len(message) for message in framer.push(SECOND)] == [17280, 17280]


def test_a_flush_in_mid_stream_gives_what_is_there_in_whole_samples() -> None:
    framer = Framer(Framing(), 24000, 2)
    framer.push(SECOND[:1920])
    assert framer.push(SECOND[:101]) == []
    assert [len(message) for message in framer.flush()] == [100]
    assert framer.pending == 1


def test_messages_of_other_containers_are_gathered_whole_and_the_header_goes_at_once() -> None:
    framer = Framer(Framing(buffer_bytes=100, flush_every=3), 24000, 0)
    assert framer.header(b"head") == [b"head"]
    assert framer.header(b"") == []
    assert framer.push(b"a" * 10) == [b"a" * 10]
    assert framer.push(b"") == []
    assert framer.push(b"b" * 10) == framer.push(b"c" * 10) == []
    assert framer.push(b"d" * 10) == [b"b" * 10 + b"c" * 10 + b"d" * 10]
    assert framer.push(b"e" * 60) == []
    assert framer.push(b"f" * 60) == [b"e" * 60 + b"f" * 60]


@given(
    st.lists(st.binary(max_size=300).map(lambda data: data * 2), max_size=40),
    st.sampled_from([0, 1, 2]),
    st.integers(1, 500),
    st.integers(1, 9),
    st.booleans(),
)
def test_joined_messages_are_the_stream_and_little_is_held(
    pieces: list[bytes], width: int, buffer_bytes: int, flush_every: int, first_immediate: bool
) -> None:
    framer = Framer(Framing(0.01, first_immediate, buffer_bytes, flush_every), 8000, width)
    out: list[bytes] = []
    for piece in pieces:
        out += framer.push(piece)
        assert framer.pending < buffer_bytes + 80 * max(1, width)
    out += framer.flush()
    assert b"".join(out) == b"".join(pieces)
    assert all(out)
    if width:
        assert all(len(message) % (80 * width) == 0 for message in out[:-1])


TWENTY_MS = Framing(chunk_s=0.02, exact=True)


@given(st.lists(st.binary(max_size=700), max_size=30), st.booleans())
def test_exact_frames_are_all_alike_but_for_the_last_one(pieces: list[bytes], flushed_between: bool) -> None:
    framer = Framer(TWENTY_MS, 8000, 1)
    out: list[bytes] = []
    for piece in pieces:
        out += framer.push(piece)
        assert framer.pending < 160
        if flushed_between:
            assert framer.flush() == [], "only the end gives a part of a frame"
    last = framer.flush(end=True)
    assert [len(frame) for frame in out] == [160] * len(out)
    assert [len(frame) for frame in last] == ([len(b"".join(pieces)) % 160] if len(b"".join(pieces)) % 160 else [])
    assert b"".join(out + last) == b"".join(pieces)


@pytest.mark.parametrize(
    ("name", "chunk_s", "rate", "why"),
    [
        ("mp3", 0.02, 24_000, "only raw samples"),
        ("wav", 0.02, 8000, "only raw samples"),
        ("mulaw", 0.025, 11_025, "no whole number"),
        ("pcm_s16le", 0.01, 22_050, "no whole number"),
    ],
)
def test_exact_frames_that_cannot_be_had_are_refused(name: str, chunk_s: float, rate: int, why: str) -> None:
    with pytest.raises(UnsupportedFormat, match=why) as caught:
        Framing(chunk_s=chunk_s, exact=True).check(CONTAINERS[name], rate)
    assert caught.value.param == "frame_ms"
    Framing(chunk_s=chunk_s).check(CONTAINERS[name], rate)  # gathered ones can always be had


@pytest.mark.parametrize(
    ("name", "rate"), [("mulaw", 8000), ("alaw", 8000), ("pcm_s16le", 22_050), ("pcm_f32le", 48_000)]
)
def test_exact_frames_of_raw_samples_can_be_had(name: str, rate: int) -> None:
    TWENTY_MS.check(CONTAINERS[name], rate)
