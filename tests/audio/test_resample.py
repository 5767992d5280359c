"""Sample-rate conversion: clean, exact in length, the same however it is cut."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syrinx.audio.level import rms
from syrinx.audio.resample import Resampler
from syrinx.core.types import Samples
from tests.audio.signals import snr_db, tone

PAIRS = [(22050, 24000), (24000, 8000), (24000, 48000), (24000, 44100), (16000, 13579), (48000, 8000), (30240.0, 24000)]


def resampled(source: float, target: float, samples: Samples, sizes: list[int] | None = None) -> Samples:
    resampler, out, start = Resampler(source, target), [], 0
    for size in sizes or []:
        out.append(resampler.push(samples[start : start + size]))
        start += size
    out += [resampler.push(samples[start:]), resampler.flush()]
    return np.concatenate(out)


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_a_tone_is_kept_to_100_db(source: float, target: float) -> None:
    out = resampled(source, target, tone(997.0, 1.0, round(source)))
    middle = out[round(target * 0.2) : round(target * 0.8)]
    assert snr_db(middle, 997.0 * (source / round(source)), round(target)) > 100


@pytest.mark.parametrize(("source", "target"), [(24000, 8000), (48000, 16000), (22050, 16000)])
def test_what_the_target_cannot_carry_is_removed_to_100_db(source: int, target: int) -> None:
    high = tone(0.625 * target, 1.0, source)  # 1.25 times the Nyquist frequency
    middle = resampled(source, target, high)[target // 5 : -target // 5]
    assert 20 * np.log10(rms(middle) / rms(high) + 1e-12) < -100


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(PAIRS), st.integers(0, 9000), st.lists(st.integers(0, 2000), max_size=8))
def test_length_is_exact_and_cuts_do_not_matter(pair: tuple[float, float], length: int, sizes: list[int]) -> None:
    source, target = pair
    samples = np.random.default_rng(3).standard_normal(length).astype(np.float32) * np.float32(0.1)
    out = resampled(source, target, samples, sizes)
    assert abs(len(out) - length * target / source) <= 1
    np.testing.assert_allclose(out, resampled(source, target, samples), atol=1e-6)


def test_equal_rates_pass_through_untouched() -> None:
    samples = tone(440.0, 0.1, 24000)
    resampler = Resampler(24000, 24000)
    assert resampler.push(samples) is samples
    assert len(resampler.flush()) == 0
