"""The framing: whatever pieces a stream comes in, and whatever garbage."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.types import Delivery, Mark, MarkKind, ServiceClass, Span, SynthesisJob
from syrinx.workers.faults import Fault
from syrinx.workers.host import JobTerms
from syrinx.workers.messages import (
    Cancel,
    Credit,
    FromWorker,
    Heartbeat,
    Hello,
    Idle,
    Load,
    LoadFailed,
    Measured,
    Message,
    Output,
    Pace,
    Ready,
    Shutdown,
    Submit,
)
from syrinx.workers.wire import MAX_FRAME_BYTES, Encoder, WireError, audio_bytes, samples_of, server_side, worker_side
from tests.workers.backends import INFO

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.floats(allow_nan=False)
plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), numbers, words),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=5,
)
options = st.dictionaries(words, plain, max_size=3)
jobs = st.builds(
    SynthesisJob,
    words,
    words,
    words,
    words,
    st.builds(Delivery, numbers, numbers, numbers),
    options,
    st.none() | st.integers(0, 2**32),
)
terms = st.builds(JobTerms, words, words, st.sampled_from(ServiceClass), numbers, numbers, numbers, numbers)
marks = st.builds(
    Mark, st.sampled_from(MarkKind), st.builds(Span, st.integers(0, 99), st.integers(0, 99)), numbers, numbers
)
counts = st.integers(0, 2**31)
to_worker = st.one_of(
    st.builds(Load, words, options),
    st.builds(Submit, jobs, terms, counts, numbers, counts, counts, numbers, st.booleans()),
    st.builds(Cancel, words),
    st.builds(Credit, words, numbers),
    st.builds(Pace, words, numbers),
    st.builds(Shutdown),
)
faults = st.builds(Fault, words, words, st.none() | words, st.booleans())
audio = st.binary(max_size=400).map(lambda data: memoryview(data[: len(data) // 4 * 4]))
from_worker = st.one_of(
    st.builds(Hello, words, counts),
    st.builds(Ready, st.just(INFO), numbers),
    st.builds(LoadFailed, faults),
    st.builds(
        Output,
        words,
        st.none() | audio,
        counts,
        st.lists(marks, max_size=3).map(tuple),
        st.booleans(),
        st.none() | faults,
    ),
    st.builds(Idle, words),
    st.builds(Measured, numbers, numbers),
    st.builds(Heartbeat, st.none() | numbers),
)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    at = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in itertools.pairwise(at)]


@given(st.lists(to_worker, max_size=6), st.lists(counts, max_size=12))
def test_what_the_server_says_arrives_whole_however_it_is_cut(said: list[Message], cuts: list[int]):
    decoder = worker_side()
    heard = [m for piece in pieces(bytes(Encoder().encode(said)), cuts) for m in decoder.feed(piece)]
    assert heard == said
    assert decoder.buffered == 0


@given(st.lists(from_worker, max_size=6), st.lists(counts, max_size=12))
def test_what_a_worker_says_arrives_whole_however_it_is_cut(said: list[FromWorker], cuts: list[int]):
    decoder = server_side()
    heard = [m for piece in pieces(bytes(Encoder().encode(said)), cuts) for m in decoder.feed(piece)]
    assert heard == said


@given(st.lists(st.binary(max_size=60), max_size=8))
def test_any_bytes_give_messages_or_one_kind_of_error(data: list[bytes]):
    for decoder in (worker_side(), server_side()):
        try:
            for piece in data:
                decoder.feed(piece)
        except WireError:
            pass
        assert decoder.buffered <= sum(map(len, data))


@given(st.binary(max_size=200))
def test_any_body_in_a_right_frame_gives_a_message_or_the_error(body: bytes):
    for decoder in (worker_side(), server_side()):
        try:
            messages = decoder.feed(len(body).to_bytes(4, "little") + body)
        except WireError:
            continue
        assert len(messages) == 1


@given(st.lists(from_worker, min_size=1, max_size=3), counts, st.binary(min_size=1, max_size=4))
def test_damaged_messages_give_messages_or_the_error(said: list[FromWorker], at: int, damage: bytes):
    data = Encoder().encode(said)
    data[at % len(data) : at % len(data) + len(damage)] = damage
    try:
        for message in server_side().feed(bytes(data)):
            if isinstance(message, Output):
                samples_of(message)
    except WireError:
        pass


def test_a_deeply_nested_message_is_an_error_not_a_crash():
    body = b"\x91" * 100_000
    with pytest.raises(WireError):
        worker_side().feed(len(body).to_bytes(4, "little") + body)


def test_a_frame_over_the_bound_is_refused_before_it_is_gathered():
    with pytest.raises(WireError, match="limit"):
        worker_side().feed((MAX_FRAME_BYTES + 1).to_bytes(4, "little"))
    with pytest.raises(WireError, match="limit"):
        Encoder().encode([Cancel("x" * (MAX_FRAME_BYTES + 1))])


@pytest.mark.parametrize("value", ["\ud800", 2**70, object(), {1, 2, object()}])
def test_what_msgpack_cannot_say_is_refused_by_the_sender(value: object):
    with pytest.raises(WireError):
        Encoder().encode([Load("m", {"option": value})])


@pytest.mark.parametrize("before", ["", "x", "xy", "xyz"])
def test_audio_arrives_as_an_array_of_its_own_wherever_it_lay_in_the_read(before: str):
    samples = np.linspace(-1, 1, 77, dtype=np.float32)
    frames = Encoder().encode([Idle(before), Output("j", audio_bytes(samples), 24000)])
    _, output = server_side().feed(bytes(frames))
    assert isinstance(output, Output)
    heard = samples_of(output)
    assert heard is not None and np.array_equal(heard, samples)
    assert heard.flags.owndata and heard.flags.aligned and heard.flags.writeable


def test_audio_of_a_broken_length_is_an_error():
    with pytest.raises(WireError):
        samples_of(Output("j", memoryview(b"abc"), 8000))
