"""Live delivery: what is still to be heard changes at once, and everything that tells of time stays right."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syrinx.core.clock import FakeClock
from syrinx.core.errors import InvalidRequest, ModelFailed
from syrinx.core.types import (
    Adjust,
    Append,
    Audio,
    AudioFormat,
    Cancel,
    Delivery,
    End,
    Failed,
    Finished,
    Mark,
    MarkKind,
    Marks,
    Open,
    ServerEvent,
    Span,
    SpeechRequest,
    Started,
)
from syrinx.engine.engine import Engine
from syrinx.engine.policy import EnginePolicy, FirstPiece, SessionOptions
from syrinx.engine.session import Session
from tests.fakes.host import INFO, RATE, FakeHost, FakeStream
from tests.fakes.stage import Stage, events_until_end, send_all, settle, whole

FLOAT = SpeechRequest(audio=AudioFormat("pcm_f32le"))
NATIVE = replace(INFO, native_speed=(0.5, 2.0), native_volume=(0.0, 2.0))


async def begun(stage: Stage, text: str = "One two three four five.", request: SpeechRequest = FLOAT) -> Session:
    """A session whose utterance ``u`` is at the model."""
    session = stage.session(marks=True)
    send_all(session, *whole("u", text, request))
    while not stage.host.streams:
        await asyncio.sleep(0)
    return session


async def take_all(session: Session) -> list[ServerEvent]:
    """All that comes without more of the model."""
    seen: list[ServerEvent] = []
    for _ in range(200):
        while (event := session.take()) is not None:
            seen.append(event)
        await asyncio.sleep(0.0005)
    return seen


def end_of(events: list[ServerEvent]) -> Finished:
    (end,) = (event for event in events if isinstance(event, Finished))
    return end


def sound(events: list[ServerEvent]) -> np.ndarray:
    return np.frombuffer(b"".join(e.audio.data for e in events if isinstance(e, Audio)), np.float32)


def level(seconds: tuple[float, float], audio: np.ndarray) -> float:
    return float(np.abs(audio[round(seconds[0] * RATE) : round(seconds[1] * RATE)]).mean())


async def finish(session: Session, stream: FakeStream) -> list[ServerEvent]:
    stream.end()
    return await events_until_end(session)


async def test_what_the_model_makes_after_it_is_heard_at_the_new_speed_and_volume(manual: Stage) -> None:
    session = await begun(manual)
    stream = manual.host.streams[0]
    stream.give(1.0)
    events = await take_all(session)
    session.send(Adjust("u", speed=2.0, volume=0.5))
    stream.give(1.0)
    events += await finish(session, stream)
    assert end_of(events).audio_s == pytest.approx(1.5, abs=0.004)  # 5 ms wait for the end of a segment
    audio = sound(events)
    assert level((0.2, 0.8), audio) == pytest.approx(0.25, abs=0.005)
    assert level((1.1, 1.4), audio) == pytest.approx(0.125, abs=0.005)


async def test_what_waits_for_a_slow_reader_is_changed_but_for_two_seconds(manual: Stage) -> None:
    session = await begun(manual)
    stream = manual.host.streams[0]
    stream.give(20.0)
    stream.end()
    for _ in range(50):  # nobody reads
        await asyncio.sleep(0.001)
    session.send(Adjust("u", speed=4.0))
    events = await events_until_end(session)
    assert end_of(events).audio_s == pytest.approx(3.0 + 17.0 / 4, abs=1.1)


async def test_it_counts_from_the_start_where_nothing_was_made_yet(manual: Stage) -> None:
    manual.host.info = NATIVE
    session = manual.session()
    send_all(session, Open("u", FLOAT), Adjust("u", speed=3.0), Append("u", "One two three."), End("u"))
    await settle()
    (stream,) = manual.host.streams
    assert (stream.job.delivery.speed, stream.terms.playback_rate) == (2.0, 1.5)
    stream.give(3.0)
    assert end_of(await finish(session, stream)).audio_s == pytest.approx(2.0, abs=0.002)


async def test_a_waiting_utterance_is_adjusted_before_it_starts(manual: Stage) -> None:
    session = manual.session()
    send_all(session, *whole("a", "First one.", FLOAT), *whole("b", "Second one.", FLOAT), Adjust("b", speed=2.0))
    await settle()
    manual.host.streams[0].give(1.0)
    manual.host.streams[0].end()
    await settle()
    manual.host.streams[1].give(1.0)
    manual.host.streams[1].end()
    events = await events_until_end(session, ends=2)
    assert [e.audio_s for e in events if isinstance(e, Finished)] == pytest.approx([1.0, 0.5], abs=0.002)


async def test_later_segments_are_asked_of_the_model_so_and_earlier_ones_are_changed_by_the_rest() -> None:
    stage = Stage(auto=False)
    stage.host.info = NATIVE
    session = await begun(stage, "One two three. Four five six. Seven eight nine.")
    first, second = stage.host.streams
    session.send(Adjust("u", speed=2.0))
    assert [s.terms.playback_rate for s in (first, second)] == [2.0, 2.0]
    first.give(1.0)
    first.end()
    await settle()
    while len(stage.host.streams) < 3:
        await asyncio.sleep(0.001)
    third = stage.host.streams[2]
    assert (third.job.delivery.speed, third.terms.playback_rate) == (2.0, 1.0)
    second.give(1.0)
    second.end()
    third.give(1.0)
    events = await finish(session, third)
    assert end_of(events).audio_s == pytest.approx(0.5 + 0.5 + 1.0, abs=0.01)
    await stage.engine.stop()


async def test_what_was_made_fast_or_soft_can_be_slowed_down_and_made_loud_again() -> None:
    stage = Stage(auto=False)
    stage.host.info = NATIVE
    quick = SpeechRequest(delivery=Delivery(speed=2.0, volume=0.0), audio=AudioFormat("pcm_f32le"))
    session = await begun(stage, request=quick)
    stream = stage.host.streams[0]
    assert (stream.job.delivery.speed, stream.job.delivery.volume) == (2.0, 0.01)
    session.send(Adjust("u", speed=0.5, volume=1.0))
    stream._chunks.clear()
    stream.give(1.0, level=0.25 * stream.job.delivery.volume)
    events = await finish(session, stream)
    assert end_of(events).audio_s == pytest.approx(4.0, abs=0.002)
    assert level((1.0, 3.0), sound(events)) == pytest.approx(0.25, abs=0.01)
    await stage.engine.stop()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (Adjust("u", speed=0.2), "speed"),
        (Adjust("u", speed=4.1), "speed"),
        (Adjust("u", pitch=math.nan), "pitch"),
        (Adjust("u", pitch=2.5, speed=2.0), "pitch"),
        (Adjust("u", volume=-0.1), "volume"),
        (Adjust("u", volume=math.inf), "volume"),
    ],
)
async def test_out_of_range_is_refused_and_nothing_is_changed(manual: Stage, change: Adjust, field: str) -> None:
    session = await begun(manual)
    stream = manual.host.streams[0]
    stream.give(1.0)
    with pytest.raises(InvalidRequest) as refused:
        session.send(change)
    assert refused.value.param == field
    assert stream.terms.playback_rate == 1.0
    assert end_of(await finish(session, stream)).audio_s == pytest.approx(1.0, abs=0.002)


async def test_none_keeps_a_value_and_the_same_again_changes_not_a_bit(manual: Stage) -> None:
    heard: list[np.ndarray] = []
    for change in (None, Adjust("u"), Adjust("u", speed=1.5, pitch=1.0, volume=1.0)):
        manual.host.streams.clear()
        session = await begun(manual, request=replace(FLOAT, delivery=Delivery(speed=1.5)))
        stream = manual.host.streams[0]
        stream.give(0.5)
        events = await take_all(session)
        if change is not None:
            session.send(change)
        stream.give(0.5)
        heard.append(sound(events + await finish(session, stream)))
        session.close()
    np.testing.assert_array_equal(heard[0], heard[1])
    np.testing.assert_array_equal(heard[0], heard[2])


async def test_an_unknown_or_ended_utterance_is_refused_and_one_whose_end_is_on_its_way_is_not(manual: Stage) -> None:
    session = await begun(manual)
    with pytest.raises(InvalidRequest) as unknown:
        session.send(Adjust("ghost", speed=2.0))
    assert unknown.value.code == "unknown_utterance"
    manual.host.streams[0].end(ModelFailed("The model broke."))
    await settle()
    session.send(Adjust("u", speed=2.0))
    assert isinstance((await take_all(session))[-1], Failed)
    with pytest.raises(InvalidRequest):
        session.send(Adjust("u", speed=2.0))


async def test_words_are_told_at_the_time_they_are_heard_through_changes(manual: Stage) -> None:
    session = await begun(manual, "aaaa bbbb cccc dddd eeee")
    stream = manual.host.streams[0]
    words = [Mark(MarkKind.WORD, Span(5 * i, 5 * i + 4), float(i), i + 0.5) for i in range(5)]
    stream.give(1.0, tuple(words))  # the model knows them all beforehand
    events = await take_all(session)
    for speed in (2.0, 0.5, 4.0):
        session.send(Adjust("u", speed=speed))
        stream.give(1.0)
        events += await take_all(session)
    stream.give(1.0)
    events += await finish(session, stream)
    marks = [mark for event in events if isinstance(event, Marks) for mark in event.marks]
    assert [mark.span.start for mark in marks] == [0, 5, 10, 15, 20]
    assert [mark.start_s for mark in marks] == pytest.approx([0.0, 1.0, 1.5, 3.5, 3.75], abs=0.01)
    ends = [mark.end_s - mark.start_s for mark in marks]
    assert ends == pytest.approx([0.5, 0.25, 1.0, 0.125, 0.125], abs=0.01)
    kinds = [type(event) for event in events if isinstance(event, Marks | Audio)]
    assert kinds[0] is Marks  # no later than the audio they fall in


async def test_how_far_the_listener_got_is_right_right_after_a_change(manual: Stage) -> None:
    text = "aaaa bbbb cccc dddd eeee"
    session = await begun(manual, text)
    stream = manual.host.streams[0]
    for i in range(2):
        stream.give(1.0, (Mark(MarkKind.WORD, Span(5 * i, 5 * i + 4), float(i), i + 0.9),))
    await take_all(session)
    manual.clock.advance(0.5)  # in the first word
    session.send(Adjust("u", speed=2.0))
    for i in range(2, 5):
        stream.give(1.0, (Mark(MarkKind.WORD, Span(5 * i, 5 * i + 4), float(i), i + 0.9),))
    await take_all(session)
    manual.clock.advance(1.6)  # 2.1 s: c began at 2.0 and d begins at 2.5
    session.send(Cancel("u"))
    assert end_of(await take_all(session)).spoken_until == text.index("cccc") + 4


async def test_an_estimate_of_words_is_retimed_too() -> None:
    stage = Stage(auto=False)
    stage.host.info = replace(INFO, word_times=False, seconds_per_char=0.2)
    session = await begun(stage, "aaaa bbbb cccc")
    stream = stage.host.streams[0]
    stream.give(1.0)
    events = await take_all(session)
    session.send(Adjust("u", speed=2.0))
    stream.give(2.0)
    events += await finish(session, stream)
    marks = [mark for event in events if isinstance(event, Marks) for mark in event.marks]
    assert [mark.start_s for mark in marks] == pytest.approx([0.0, 1.0, 1.5], abs=0.01)
    assert all(mark.estimated for mark in marks)
    await stage.engine.stop()


async def test_a_change_between_two_segments_and_many_in_a_row(manual: Stage) -> None:
    session = await begun(manual, "One two three. Four five six.")
    first, second = manual.host.streams
    first.give(1.0)
    first.end()
    events = await take_all(session)
    for speed in np.linspace(0.3, 2.0, 50):
        session.send(Adjust("u", speed=float(speed)))
    second.give(1.0)
    events += await finish(session, second)
    assert end_of(events).audio_s == pytest.approx(1.5, abs=0.02)


async def test_audio_that_comes_all_at_once_is_handed_over_within_the_lead_so_that_it_can_be_changed(
    manual: Stage,
) -> None:
    """As from the response cache."""
    session = manual.session(max_lead_s=1.0)
    send_all(session, *whole("u", "One two three.", FLOAT))
    await settle()
    (stream,) = manual.host.streams
    stream.give(1000.0)
    stream.end()
    heard_s = sum(event.audio.duration_s for event in await take_all(session) if isinstance(event, Audio))
    assert 1.0 <= heard_s < 100.0
    session.send(Cancel("u"))
    assert isinstance((await take_all(session))[-1], Finished)


async def test_a_cancel_after_a_change_ends_it_as_ever(manual: Stage) -> None:
    session = await begun(manual)
    manual.host.streams[0].give(1.0)
    session.send(Adjust("u", speed=0.5))
    session.send(Cancel("u"))
    events = await take_all(session)
    assert sum(isinstance(event, Finished) for event in events) == 1
    assert manual.host.streams[0].canceled
    assert manual.engine.gate("fake").running == 0


changes = st.lists(
    st.tuples(
        st.floats(0.02, 0.8),
        st.sampled_from([None, 0.25, 0.7, 1.0, 2.0, 4.0]),
        st.sampled_from([None, 0.5, 1.0, 1.4]),
        st.sampled_from([None, 0.0, 1.0, 2.0]),
    ),
    max_size=5,
)


@settings(max_examples=15)
@given(changes, st.sampled_from(["pcm_s16le", "wav", "mp3", "opus"]))
async def test_any_changes_at_any_time_sum_up(
    parts: list[tuple[float, float | None, float | None, float | None]], container: str
) -> None:
    host = FakeHost(auto=False)
    engine = Engine([host], EnginePolicy(first_piece=FirstPiece(max_words=0)), clock=FakeClock())
    session = engine.session(SessionOptions("test"))
    send_all(session, *whole("u", "One two three.", SpeechRequest(audio=AudioFormat(container))))
    await settle()
    (stream,) = host.streams
    events: list[ServerEvent] = []
    lasts, speed = 0.0, 1.0
    for seconds, *change in parts:
        stream.give(seconds)
        lasts += seconds / speed
        while stream._chunks:
            await asyncio.sleep(0)
        session.send(Adjust("u", *change))
        # What was read a moment ago may be on its way into the chain: the change counts from the next piece.
        outlet = next(iter(session._utterances.values()))._outlet
        while outlet is not None and outlet._busy is not None and not outlet._busy.done():
            await asyncio.sleep(0.0005)
        speed = change[0] or speed
        events += await take_some(session)
    stream.give(0.3)
    lasts += 0.3 / speed
    events += await finish(session, stream)
    end = end_of(events)
    assert end.audio_s == pytest.approx(lasts, abs=0.02 * lasts + 0.03)
    started = next(event for event in events if isinstance(event, Started))
    audio = [event.audio for event in events if isinstance(event, Audio)]
    assert {piece.sample_rate for piece in audio} == {started.sample_rate}
    assert sum(piece.samples for piece in audio) == end.samples
    await engine.stop()


async def take_some(session: Session) -> list[ServerEvent]:
    seen: list[ServerEvent] = []
    for _ in range(10):
        while (event := session.take()) is not None:
            seen.append(event)
        await asyncio.sleep(0)
    return seen


async def test_pitch_is_changed_and_time_is_not(manual: Stage) -> None:
    session = await begun(manual)
    stream = manual.host.streams[0]
    stream.give(1.0)
    events = await take_all(session)
    session.send(Adjust("u", pitch=1.5))
    assert stream.terms.playback_rate == 1.0
    stream.give(1.0)
    events += await finish(session, stream)
    assert end_of(events).audio_s == pytest.approx(2.0, abs=0.002)
    steps = [abs(b - a) for a, b in pairwise(sound(events)[2400:-2400])]
    assert max(steps) < 0.01  # a constant stays one, seam or not
