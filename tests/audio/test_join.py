"""Joins: no clicks, no long gaps, no time lost, and the same however segments are cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syrinx.audio.join import Joiner, JoinSpec
from syrinx.core.types import Samples
from tests.audio.signals import tone

RATE = 24000
SPEC = JoinSpec()
FADE, LEAD, PAUSE, HOLD = (round(RATE * s) for s in (SPEC.fade_s, SPEC.lead_s, SPEC.pause_s, SPEC.hold_s))


def sound(seconds: float, level: float = 0.5) -> Samples:
    return np.full(round(seconds * RATE), level, np.float32)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), np.float32)


def joined(segments: list[Samples], sizes: list[int] | None = None) -> Samples:
    joiner, out = Joiner(RATE), []
    for segment in segments:
        start = 0
        for size in [*(sizes or []), len(segment)]:
            out.append(joiner.push(segment[start : start + size], new_segment=start == 0 and size > 0))
            start += size
    return np.concatenate([*out, joiner.finish()])


def longest_silence(samples: Samples) -> int:
    loud = np.flatnonzero(np.abs(samples) > 0.001)
    return int(np.diff(loud).max()) - 1


def test_edges_fade_and_nothing_else_is_touched() -> None:
    segment = sound(0.1)
    out = joined([segment, segment])
    assert len(out) == 2 * len(segment)
    np.testing.assert_array_equal(out[FADE : len(segment) - FADE], segment[FADE:-FADE])
    edges = [0, len(segment) - 1, len(segment), len(out) - 1]
    assert np.abs(out[edges]).max() < 0.01
    assert np.abs(np.diff(out)).max() < 0.5 * 2 * np.pi / FADE  # a hard cut would step by 0.5


def test_a_tone_cut_at_its_top_does_not_click() -> None:
    segment = tone(200.0, 0.10125, RATE)  # ends at its highest point
    out = joined([segment, -segment])
    assert np.abs(np.diff(out)).max() < 1.5 * np.abs(np.diff(segment)).max()


def test_first_audio_is_not_delayed() -> None:
    joiner = Joiner(RATE)
    assert len(joiner.push(sound(0.02))) == round(0.02 * RATE) - FADE


def test_silence_before_the_first_sound_is_cut_to_a_lead() -> None:
    out = joined([np.concatenate((silence(0.5), sound(0.1)))])
    assert len(out) == LEAD + round(0.1 * RATE)


def test_the_gap_between_segments_is_at_most_a_pause() -> None:
    segment = np.concatenate((silence(0.3), sound(0.1), silence(0.7)))
    out = joined([segment, segment, segment])
    assert longest_silence(out) <= PAUSE + LEAD + 2
    assert len(out) == LEAD + 3 * round(0.1 * RATE) + 3 * PAUSE + 2 * LEAD


def test_a_short_gap_is_left_as_it_is() -> None:
    segment = np.concatenate((silence(0.02), sound(0.1), silence(0.1)))
    assert len(joined([segment, segment])) == 2 * len(segment)


def test_silence_inside_a_segment_is_kept() -> None:
    for seconds in (0.3, 1.0, 2.3, 2.5, 4.0):
        segment = np.concatenate((sound(0.1), silence(seconds), sound(0.1)))
        assert len(joined([segment])) == len(segment)


def test_endless_silence_is_let_through_after_a_bounded_wait() -> None:
    joiner = Joiner(RATE)
    joiner.push(sound(0.1))
    sent = [len(joiner.push(silence(0.1))) for _ in range(40)]
    assert sum(sent[:24]) <= PAUSE + FADE
    assert sum(sent) >= 4.0 * RATE - FADE


def test_a_pause_on_purpose_is_exact_and_never_trimmed() -> None:
    joiner = Joiner(RATE)
    out = [joiner.push(sound(0.1)), joiner.pause(RATE), joiner.push(sound(0.1)), joiner.finish()]
    assert len(np.concatenate(out)) == RATE + 2 * round(0.1 * RATE)


def test_a_wholly_silent_segment_is_at_most_a_pause() -> None:
    assert len(joined([silence(3.0)])) <= LEAD
    spoken = sound(0.1)
    assert len(joined([spoken, silence(3.0), spoken])) <= 2 * len(spoken) + PAUSE + 2 * LEAD


def test_the_origin_tells_where_a_segments_own_time_begins() -> None:
    joiner = Joiner(RATE)
    joiner.push(np.concatenate((silence(0.5), sound(1.0), silence(0.9))))
    assert joiner.origin == LEAD - round(0.5 * RATE)  # its sound, 0.5 s into it, is heard after the lead
    joiner.push(np.concatenate((silence(0.2), sound(0.1))), new_segment=True)
    heard = LEAD + RATE + PAUSE + LEAD
    assert joiner.origin == heard - round(0.2 * RATE)


@settings(deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.booleans(), st.integers(0, 3 * PAUSE)), min_size=1, max_size=4), min_size=1, max_size=4
    ),
    st.lists(st.integers(1, 9000), max_size=6),
)
def test_what_comes_out_does_not_depend_on_the_cuts(parts: list[list[tuple[bool, int]]], sizes: list[int]) -> None:
    segments = [
        np.concatenate([np.full(length, 0.5 if loud else 0.0, np.float32) for loud, length in part]) for part in parts
    ]
    np.testing.assert_array_equal(joined(segments, sizes), joined(segments))


def test_an_empty_utterance_is_empty() -> None:
    assert len(joined([])) == 0
    assert len(joined([np.empty(0, np.float32)] * 3)) == 0


@pytest.mark.parametrize("samples", [1, 2, FADE - 1, FADE, FADE + 1, 2 * FADE])
def test_a_segment_shorter_than_its_fades_keeps_its_length(samples: int) -> None:
    assert len(joined([np.full(samples, 0.5, np.float32)])) == samples
