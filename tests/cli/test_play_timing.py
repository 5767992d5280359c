"""When each chunk is heard, in numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.cli.play_timing import PlayQueue


def test_playback_begins_once_enough_is_there() -> None:
    queue = PlayQueue(prefetch=5, start_after=2, asked_at=10.0)
    assert not queue.may_play
    queue.arrived(10.5)
    assert not queue.may_play
    queue.arrived(10.75)
    assert queue.may_play
    first = queue.play(10.75, 2.0)
    assert (first.gap_since_prev, first.playback_wait, first.playback_dur, first.ends_at) == (0.5, 0.25, 2.0, 12.75)
    second = queue.play(10.8, 1.0)
    assert (second.gap_since_prev, second.playback_wait, second.ends_at) == (0.25, 2.0, 13.75)
    assert not queue.may_play and not queue.is_over


def test_a_short_stream_is_played_though_it_never_fills_the_queue() -> None:
    queue = PlayQueue(5, 3, 0.0)
    queue.arrived(1.0)
    assert not queue.may_play
    queue.complete()
    assert queue.may_play
    queue.play(1.0, 1.0)
    assert queue.is_over


def test_a_chunk_that_comes_late_is_heard_when_it_comes() -> None:
    queue = PlayQueue(5, 1, 0.0)
    queue.arrived(1.0)
    queue.play(1.0, 0.5)
    queue.arrived(4.0)
    assert queue.may_play
    late = queue.play(4.0, 0.5)
    assert (late.gap_since_prev, late.playback_wait, late.ends_at) == (3.0, 0.0, 4.5)


def test_what_waits_for_room_waits_less_in_the_queue() -> None:
    def waits(prefetch: int) -> list[float]:
        queue = PlayQueue(prefetch, 1, 0.0)
        for _ in range(6):
            queue.arrived(1.0)
        queue.complete()
        return [queue.play(1.0, 1.0).playback_wait for _ in range(6)]

    assert waits(6) == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert waits(2) == [0.0, 1.0, 2.0, 2.0, 2.0, 2.0]


@given(
    st.lists(st.tuples(st.floats(0, 10), st.floats(0.01, 10)), min_size=1, max_size=30),
    st.integers(2, 6),
    st.data(),
)
def test_nothing_overlaps_and_no_wait_is_negative(
    pieces: list[tuple[float, float]], prefetch: int, data: st.DataObject
) -> None:
    queue = PlayQueue(prefetch, data.draw(st.integers(1, prefetch)), 0.0)
    now = 0.0
    for gap, _ in pieces:
        now += gap
        queue.arrived(now)
    queue.complete()
    ends = now
    for gap, duration in pieces:
        heard = queue.play(now, duration)
        assert heard.gap_since_prev == pytest.approx(gap, abs=1e-6)
        assert heard.playback_wait >= 0 and heard.ends_at == pytest.approx(ends + duration)
        ends = heard.ends_at
    assert queue.is_over
