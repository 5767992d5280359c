"""The play-head knows what was heard and when the buffer ran dry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.types import Mark, MarkKind, Span
from syrinx.engine.playhead import Player, Playhead, Reading


def test_nothing_is_heard_before_the_first_audio() -> None:
    assert Playhead().heard_s(99.0) == 0.0


def test_what_is_heard_follows_the_clock_up_to_what_was_delivered() -> None:
    head = Playhead()
    head.deliver(10.0, 2.0)
    assert head.heard_s(11.0) == pytest.approx(1.0)
    assert head.heard_s(50.0) == pytest.approx(2.0)


def test_late_audio_is_an_underrun_and_the_pause_is_not_heard() -> None:
    head = Playhead()
    head.deliver(0.0, 1.0)
    head.deliver(1.5, 1.0)
    assert (head.underruns, head.underrun_s) == (1, pytest.approx(0.5))
    assert head.heard_s(2.0) == pytest.approx(1.5)


def test_audio_in_time_is_no_underrun() -> None:
    head = Playhead()
    for n in range(10):
        head.deliver(n * 0.9, 1.0)
    assert head.underruns == 0


@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0, 2)), max_size=30), st.floats(0, 5))
def test_heard_never_passes_delivered_nor_the_time_that_went_by(steps: list[tuple[float, float]], later: float) -> None:
    head = Playhead()
    now = 0.0
    for wait, seconds in steps:
        now += wait
        head.deliver(now, seconds)
    heard = head.heard_s(now + later)
    assert 0 <= heard <= head.delivered_s + 1e-9
    assert heard <= now + later + 1e-9


def test_the_reading_is_at_the_end_of_the_last_word_that_began() -> None:
    reading = Reading()
    reading.add(Mark(MarkKind.WORD, Span(n * 4, n * 4 + 3), n * 0.5, n * 0.5 + 0.4) for n in range(4))
    assert [reading.until(heard_s) for heard_s in (0.0, 0.1, 1.2, 99.0)] == [0, 3, 11, 15]


def test_nothing_was_read_without_marks() -> None:
    assert Reading().until(99.0) == 0


@given(st.lists(st.tuples(st.floats(0, 9), st.integers(0, 99))), st.floats(0, 10), st.floats(0, 10))
def test_the_reading_never_goes_back(marks: list[tuple[float, int]], one: float, other: float) -> None:
    reading = Reading()
    for start_s, end in marks:
        reading.add([Mark(MarkKind.WORD, Span(0, end), start_s, start_s)])
    assert reading.until(min(one, other)) <= reading.until(max(one, other))


def test_an_utterance_begins_to_be_heard_when_the_one_before_has_been() -> None:
    player = Player()
    first, second = Playhead(player), Playhead(player)
    first.deliver(0.0, 4.0)
    second.deliver(1.0, 2.0)
    assert second.heard_s(3.9) == 0.0
    assert second.heard_s(5.0) == pytest.approx(1.0)
    second.deliver(5.9, 1.0)  # the player still has 0.1 s of it
    assert second.underruns == 0
    second.deliver(8.0, 1.0)
    assert (second.underruns, second.underrun_s) == (1, pytest.approx(1.0))


def test_dropped_audio_does_not_delay_the_next_utterance_and_what_came_before_does() -> None:
    player = Player()
    first, second, third = (Playhead(player) for _ in range(3))
    first.deliver(0.0, 4.0)
    second.deliver(1.0, 60.0)
    second.drop(2.0)
    third.deliver(3.0, 1.0)
    assert third.heard_s(4.5) == pytest.approx(0.5)
    first.drop(99.0)
    assert player.busy_until == pytest.approx(5.0)
