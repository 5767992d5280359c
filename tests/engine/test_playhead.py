"""The play-head knows what was heard and when the buffer ran dry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.types import Mark, MarkKind, Span
from syrinx.engine.playhead import Playhead, heard_until


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


def test_heard_until_is_the_end_of_the_last_word_that_began() -> None:
    marks = [Mark(MarkKind.WORD, Span(n * 4, n * 4 + 3), n * 0.5, n * 0.5 + 0.4) for n in range(4)]
    assert heard_until(marks, 0.0) == 0
    assert heard_until(marks, 0.1) == 3
    assert heard_until(marks, 1.2) == 11
    assert heard_until(marks, 99.0) == 15
