"""Gain, limiter, clean-up and measures."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.audio.level import CEILING, SANE_PEAK, Fader, Gain, Limiter, Volume, first_audible, peak, rms, sanitize
from syrinx.core.types import Samples
from tests.audio.signals import tone, voice_like

RATE = 24000


def limited(gain: float, samples: Samples, sizes: list[int] | None = None) -> Samples:
    limiter, out, start = Limiter(RATE, Fader(RATE, gain)), [], 0
    for size in sizes or []:
        out.append(limiter.push(samples[start : start + size]))
        start += size
    out += [limiter.push(samples[start:]), limiter.flush()]
    return np.concatenate(out)


def test_clean_samples_are_passed_on_without_a_copy() -> None:
    samples = tone(440.0, 0.1, RATE)
    assert sanitize(samples) is samples


@given(st.lists(st.sampled_from([0.5, -0.5, math.nan, math.inf, -math.inf, 1e30, -9.0]), max_size=9))
def test_what_is_not_a_number_becomes_silence_and_the_absurd_is_bounded(values: list[float]) -> None:
    clean = sanitize(np.array(values, np.float32))
    assert clean.dtype == np.float32
    for before, after in zip(values, clean, strict=True):
        assert after == (np.clip(before, -SANE_PEAK, SANE_PEAK) if math.isfinite(before) else 0.0)


def test_unity_gain_below_the_ceiling_changes_nothing() -> None:
    samples = tone(440.0, 0.1, RATE, level=CEILING)
    np.testing.assert_array_equal(Gain(Fader(RATE, 1.0)).push(samples), samples)


def test_zero_gain_is_silence() -> None:
    assert not Gain(Fader(RATE, 0.0)).push(tone(440.0, 0.1, RATE)).any()


@given(st.floats(1.0, 8.0))
def test_what_is_over_full_scale_is_bent_below_it_and_keeps_its_order(level: float) -> None:
    ramp = np.linspace(-level, level, 999, dtype=np.float32)
    bent = Gain(Fader(RATE, 1.0)).push(ramp)
    assert peak(bent) <= 1.0
    assert np.all(np.diff(bent) >= 0)
    quiet = np.abs(ramp) <= CEILING
    np.testing.assert_array_equal(bent[quiet], ramp[quiet])


@given(st.lists(st.integers(0, 3000), max_size=12), st.floats(1.0, 2.0), st.sampled_from([1.0, 0.3, 4.0]))
def test_the_limiter_never_passes_its_ceiling_keeps_the_length_and_does_not_depend_on_the_cuts(
    sizes: list[int], gain: float, level: float
) -> None:
    samples = voice_like(0.5, RATE) * np.float32(2 * level)
    out = limited(gain, samples, sizes)
    assert len(out) == len(samples)
    assert peak(out) <= CEILING + 1e-6
    np.testing.assert_allclose(out, limited(gain, samples), atol=1e-6)


def test_the_limiter_is_transparent_below_its_ceiling() -> None:
    samples = voice_like(0.5, RATE) * np.float32(0.9)
    np.testing.assert_array_equal(limited(2.0, samples), samples * 2)


def test_the_limiter_turns_down_instead_of_clipping() -> None:
    """A clipped sine of twice full scale has 26 % of harmonics; a turned-down one stays a sine."""
    out = limited(2.0, tone(440.0, 1.0, RATE, level=1.0))[RATE // 4 : -RATE // 4]
    spectrum = np.abs(np.fft.rfft(out * np.hanning(len(out))))
    fundamental = int(spectrum.argmax())
    assert spectrum[3 * fundamental - 5 : 3 * fundamental + 5].max() < 0.01 * spectrum.max()
    assert peak(out) == pytest.approx(CEILING, abs=0.01)


def test_after_a_loud_moment_the_gain_comes_back() -> None:
    samples = tone(440.0, 1.0, RATE, level=0.2)
    samples[1000:1100] = 1.0
    out = limited(2.0, samples)
    assert rms(out[-RATE // 2 :]) == pytest.approx(rms(samples[-RATE // 2 :]) * 2, rel=1e-3)


def test_a_tiny_or_empty_input_comes_out_whole() -> None:
    for length in (0, 1, 119, 120, 121, 240):
        samples = np.full(length, 0.1, np.float32)
        np.testing.assert_allclose(limited(1.5, samples), samples * 1.5, rtol=1e-6)


def test_measures() -> None:
    assert rms(tone(440.0, 1.0, RATE, level=0.5)) == pytest.approx(0.5 / math.sqrt(2), rel=1e-3)
    assert peak(np.array([0.1, -0.7], np.float32)) == pytest.approx(0.7)
    assert rms(np.empty(0, np.float32)) == peak(np.empty(0, np.float32)) == 0.0


def test_the_first_audible_sample_is_found() -> None:
    samples = np.array([0.0, 0.0009, -0.0011, 0.5], np.float32)
    assert first_audible(samples) == 2
    assert first_audible(samples, threshold_dbfs=-20.0) == 3
    assert first_audible(samples[:2]) is None
    assert first_audible(np.empty(0, np.float32)) is None


# --- a volume that changes ------------------------------------------------------------------------------------------


def changed(gains: list[float], samples: Samples, every: int = 2400) -> Samples:
    """The first gain from the start, each other after ``every`` samples more."""
    volume, out = Volume(RATE, gains[0]), []
    for index, gain in enumerate(gains):
        volume.adjust(gain)
        out.append(volume.push(samples[index * every : (index + 1) * every]))
    out += [volume.push(samples[len(gains) * every :]), volume.flush()]
    return np.concatenate(out)


@given(st.lists(st.sampled_from([0.0, 0.3, 1.0, 1.5, 2.0]), min_size=1, max_size=6))
def test_changes_of_volume_keep_the_length_never_clip_and_never_jump(gains: list[float]) -> None:
    samples = tone(220.0, 1.0, RATE, level=0.9)
    out = changed(gains, samples)
    assert len(out) == len(samples)
    assert peak(out) <= CEILING + 0.02
    steepest = 2 * np.pi * 220.0 / RATE * 0.9 * max(1.0, *gains)
    assert np.abs(np.diff(out)).max() <= steepest + 2 * 0.9 / (0.02 * RATE)


def test_each_volume_is_reached_and_the_rest_of_the_sound_is_scaled_by_it_exactly() -> None:
    samples = tone(220.0, 0.5, RATE, level=0.2)
    out = changed([1.0, 0.5, 2.0], samples)
    np.testing.assert_array_equal(out[:2400], samples[:2400])
    np.testing.assert_array_equal(out[2900:4800], samples[2900:4800] * np.float32(0.5))
    np.testing.assert_array_equal(out[5400:], samples[5400:] * np.float32(2.0))


def test_a_change_in_the_middle_of_a_change_goes_on_from_where_it_is() -> None:
    volume, ones = Volume(RATE, 1.0), np.ones(240, np.float32) * np.float32(0.5)
    volume.adjust(0.0)
    first = volume.push(ones)
    volume.adjust(1.0)
    second = volume.push(np.full(960, 0.5, np.float32))
    whole = np.concatenate((first, second))
    assert np.abs(np.diff(whole)).max() < 0.5 / (0.02 * RATE) + 1e-6
    assert whole[239] == pytest.approx(0.25, abs=0.01)
    assert whole[-1] == 0.5
