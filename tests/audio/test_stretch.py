"""Speed and pitch: length, pitch, delay, loudness, the same however it is cut, and no seam where they change."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from syrinx.audio.level import rms
from syrinx.audio.stretch import Stretch
from syrinx.core.types import Samples
from tests.audio.signals import pitch_of, tone, voice_like

RATE = 24000
SPEEDS = [0.25, 0.5, 0.8, 1.25, 1.5, 2.0, 3.0, 4.0]
PITCHES = [0.5, 0.8, 1.0, 1.26, 2.0]
Change = tuple[int, float, float]
"""After so many samples: speed, pitch."""


def stretched(
    speed: float, samples: Samples, sizes: list[int] | None = None, rate: int = RATE, pitch: float = 1.0
) -> Samples:
    stretch, out, start = Stretch(rate, speed, pitch), [], 0
    for size in sizes or []:
        out.append(stretch.push(samples[start : start + size]))
        start += size
    out += [stretch.push(samples[start:]), stretch.flush()]
    return np.concatenate(out)


def changed(samples: Samples, changes: list[Change], stretch: Stretch | None = None) -> Samples:
    stretch, out, start = stretch or Stretch(RATE), [], 0
    for after, speed, pitch in changes:
        out.append(stretch.push(samples[start : start + after]))
        start += after
        stretch.adjust(speed, pitch)
    out += [stretch.push(samples[start:]), stretch.flush()]
    return np.concatenate(out)


# --- one factor -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [16000, 22050, 24000, 44100])
@pytest.mark.parametrize("speed", SPEEDS)
def test_length_is_exact_pitch_and_level_are_kept(speed: float, rate: int) -> None:
    voice = voice_like(3.0, rate, pitch=140.0)
    out = stretched(speed, voice, rate=rate)
    assert abs(len(out) - len(voice) / speed) <= 1
    middle = out[len(out) // 5 : -len(out) // 5]
    assert pitch_of(middle, rate, low=100.0) == pytest.approx(140.0, rel=0.01)
    assert rms(out) == pytest.approx(rms(voice), rel=0.1)


@pytest.mark.parametrize("pitch", PITCHES)
@pytest.mark.parametrize("speed", [0.25, 1.0, 4.0])
@pytest.mark.parametrize("voice_hz", [80.0, 140.0, 300.0])
def test_any_pitch_at_any_speed_for_low_and_high_voices(voice_hz: float, speed: float, pitch: float) -> None:
    voice = voice_like(4.0, RATE, pitch=voice_hz)
    out = stretched(speed, voice, pitch=pitch)
    assert abs(len(out) - len(voice) / speed) <= 1
    middle, wanted = out[len(out) // 5 : -len(out) // 5], voice_hz * pitch
    assert pitch_of(middle, RATE, low=0.7 * wanted, high=1.5 * wanted) == pytest.approx(wanted, rel=0.01)
    assert rms(out) == pytest.approx(rms(voice), rel=0.15)


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(SPEEDS), st.sampled_from(PITCHES), st.integers(0, 12000), st.lists(st.integers(0, 5000), max_size=8)
)
def test_length_is_exact_for_any_input_and_cuts_do_not_matter(
    speed: float, pitch: float, length: int, sizes: list[int]
) -> None:
    samples = voice_like(0.5, RATE)[:length]
    out = stretched(speed, samples, sizes, pitch=pitch)
    assert len(out) == round(len(samples) / speed)
    np.testing.assert_allclose(out, stretched(speed, samples, pitch=pitch), atol=1e-6)


@pytest.mark.parametrize("speed", SPEEDS)
def test_events_stay_at_their_time(speed: float) -> None:
    samples = np.zeros(2 * RATE, np.float32)
    samples[RATE : RATE + 4800] = tone(440.0, 0.2, RATE)
    loud = np.flatnonzero(np.abs(stretched(speed, samples)) > 0.1)
    within = max(0.015, 0.012 / speed)  # what is searched, and where in a grain it begins
    assert loud[0] / RATE == pytest.approx(1.0 / speed, abs=within)
    assert loud[-1] / RATE == pytest.approx(1.2 / speed, abs=within)


@pytest.mark.parametrize("pitch", PITCHES)
@pytest.mark.parametrize("speed", SPEEDS)
def test_a_sound_is_out_once_90_ms_more_of_audio_are_in(speed: float, pitch: float) -> None:
    """Whatever moment of a grain it begins in."""
    if (speed, pitch) == (1.0, 1.0):
        return
    for onset in range(700, 1200, 130):
        samples = np.concatenate((np.zeros(onset, np.float32), tone(200.0, 0.5, RATE)))
        stretch, fed = Stretch(RATE, speed, pitch), 0
        while not (np.abs(stretch.push(samples[fed : fed + 24])) > 0.01).any():
            fed += 24
        assert fed + 24 - onset <= 0.09 * RATE


@pytest.mark.parametrize("speed", SPEEDS)
def test_nothing_drops_out_and_nothing_stutters(speed: float) -> None:
    """The loudness over time is that of the original, at its new time."""
    time = np.arange(6 * RATE) / RATE
    voice = voice_like(6.0, RATE, 120.0) * (0.3 + 0.7 * np.abs(np.sin(2 * np.pi * 0.9 * time))).astype(np.float32)
    out = stretched(speed, voice)
    window = 0.03
    at = np.arange(0.1, len(out) / RATE - 0.1, 0.01)
    heard = [rms(out[round((t - window) * RATE) : round((t + window) * RATE)]) for t in at]
    meant = [rms(voice[max(0, round((t - window) * speed * RATE)) : round((t + window) * speed * RATE)]) for t in at]
    assert np.corrcoef(heard, meant)[0, 1] > 0.97
    assert min(h / m for h, m in zip(heard, meant, strict=True)) > 0.7


@pytest.mark.parametrize("rate", [8000, 48000])
@pytest.mark.parametrize("speed", [0.0625, 16.0])
@pytest.mark.parametrize("pitch", [0.25, 4.0])
def test_what_a_change_of_mind_can_leave_to_the_chain_is_done_too(rate: int, speed: float, pitch: float) -> None:
    """Made by the model at one end of its range, and wanted at the other."""
    voice = voice_like(1.0, rate)
    stretch = Stretch(rate)
    parts = [stretch.push(voice[: rate // 2])]
    stretch.adjust(speed, pitch)
    parts += [stretch.push(voice[rate // 2 :]), stretch.flush()]
    out = np.concatenate(parts)
    assert abs(len(out) - (rate / 2 + rate / 2 / speed)) <= 1
    assert rms(out[-len(out) // 4 :]) > 0.3 * rms(voice)


def test_noise_keeps_its_level() -> None:
    noise = (np.random.default_rng(3).standard_normal(3 * RATE) * 0.1).astype(np.float32)
    for speed in SPEEDS:
        assert rms(stretched(speed, noise)) == pytest.approx(rms(noise), rel=0.12)


def test_at_speed_and_pitch_1_samples_are_not_touched() -> None:
    samples = tone(440.0, 0.1, RATE)
    stretch = Stretch(RATE)
    assert not stretch.active
    assert stretch.push(samples) is samples
    assert len(stretch.flush()) == 0


def test_silence_stays_silence() -> None:
    assert not stretched(1.7, np.zeros(RATE, np.float32), pitch=1.2).any()


# --- factors that change --------------------------------------------------------------------------------------------

changes = st.lists(
    st.tuples(st.integers(0, 5000), st.sampled_from([0.25, 0.7, 1.0, 1.5, 4.0]), st.sampled_from([0.5, 1.0, 1.3, 2.0])),
    max_size=4,
)


def parts_of(length: int, steps: list[Change]) -> float:
    """What the parts would last by themselves."""
    total, speed, left = 0.0, 1.0, length
    for after, next_speed, _ in steps:
        part = min(after, left)
        total, left, speed = total + part / speed, left - part, next_speed
    return total + left / speed


@settings(max_examples=15, deadline=None)
@given(changes, st.integers(0, 19_200))
@example([(0, 4.0, 0.5)], 750)  # its first grain stands for more than there is
@example([(43, 0.25, 0.5), (5000, 1.0, 1.0)], 11_118)  # it flows on, but from behind where it should be
def test_the_length_is_the_sum_of_the_parts(steps: list[Change], length: int) -> None:
    samples = voice_like(0.8, RATE)[:length]
    assert abs(len(changed(samples, steps)) - parts_of(len(samples), steps)) <= 1


@settings(max_examples=15, deadline=None)
@given(changes)
def test_no_change_makes_a_jump(steps: list[Change]) -> None:
    """A sine's own slope, at the highest pitch there is, bounds every step from sample to sample."""
    sine = tone(180.0, 0.8, RATE, level=0.5)
    out = changed(sine, steps)
    highest = max([1.0, *(pitch for _, _, pitch in steps)])
    own = 2 * np.pi * 180.0 * highest / RATE * 0.5
    fading = 2 * 0.5 * np.pi / 2 / (0.005 * RATE)  # two places of the sine, and the steepest of the fade between them
    assert np.abs(np.diff(out[: len(out) - 240])).max(initial=0.0) <= own + fading


@settings(max_examples=15, deadline=None)
@given(changes, st.lists(st.integers(1, 3000), max_size=20))
def test_how_it_is_pushed_between_changes_does_not_matter(steps: list[Change], cuts: list[int]) -> None:
    samples = voice_like(0.8, RATE)
    stretch, out, start = Stretch(RATE), list[Samples](), 0
    for after, speed, pitch in steps:
        end = start + after
        for cut in cuts:
            upto = min(end, start + cut)
            out.append(stretch.push(samples[start:upto]))
            start = upto
        out.append(stretch.push(samples[start:end]))
        start = end
        stretch.adjust(speed, pitch)
    out += [stretch.push(samples[start:]), stretch.flush()]
    np.testing.assert_allclose(np.concatenate(out), changed(samples, steps), atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(changes)
def test_the_same_again_changes_not_a_bit(steps: list[Change]) -> None:
    samples = voice_like(0.6, RATE)
    twice = [change for after, speed, pitch in steps for change in ((after, speed, pitch), (0, speed, pitch))]
    np.testing.assert_array_equal(changed(samples, twice), changed(samples, steps))


def test_from_untouched_to_changed_and_back_the_untouched_parts_are_the_inputs_own_samples() -> None:
    samples = voice_like(3.0, RATE, 150.0)
    out = changed(samples, [(RATE, 1.5, 1.0), (RATE, 1.0, 1.0)])
    np.testing.assert_array_equal(out[: RATE - 2400], samples[: RATE - 2400])
    last = out[-RATE // 2 : -2400]
    windows = sliding_window_view(samples[-RATE:], len(last))
    found = int((windows[:, ::97] == last[::97]).all(axis=1).argmax())
    np.testing.assert_array_equal(last, windows[found])


def test_each_part_has_its_own_pitch() -> None:
    samples = voice_like(4.0, RATE, 140.0)
    out = changed(samples, [(RATE, 1.0, 1.5), (RATE, 2.0, 0.75), (RATE, 1.0, 1.0)])
    bounds = [0, RATE, 2 * RATE, 2 * RATE + RATE // 2, len(out)]
    for (begin, end), pitch in zip(pairwise(bounds), [1.0, 1.5, 0.75, 1.0], strict=True):
        part = out[begin + 2400 : end - 2400]
        assert pitch_of(part, RATE, low=80.0) == pytest.approx(140.0 * pitch, rel=0.01)


def test_a_place_in_the_input_can_be_found_in_the_output() -> None:
    stretch, samples = Stretch(RATE, 2.0), np.zeros(3 * RATE, np.float32)
    samples[int(1.5 * RATE) : int(1.5 * RATE) + 4800] = tone(440.0, 0.2, RATE)
    out = changed(samples, [(RATE, 0.5, 1.0), (RATE, 1.0, 1.0)], stretch)
    loud = np.flatnonzero(np.abs(out) > 0.1)
    assert stretch.out(RATE) == RATE / 2
    assert stretch.out(1.5 * RATE) == 1.5 * RATE
    assert stretch.out(2.5 * RATE) == 3 * RATE
    assert loud[0] == pytest.approx(stretch.out(1.5 * RATE), abs=0.015 * RATE)


def test_no_more_is_kept_than_a_grain_needs_however_long_it_runs() -> None:
    stretch, second = Stretch(RATE, 1.3, 1.1), voice_like(1.0, RATE)
    for index in range(60):
        stretch.push(second)
        stretch.adjust(1.0 + index % 3, 1.1)
        stretch.forget(index * RATE)
    assert len(stretch._samples) < RATE // 4
    assert len(stretch._map._ins) < 5
