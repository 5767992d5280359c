"""Tempo without pitch: length, pitch, and the same however it is cut."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syrinx.audio.level import rms
from syrinx.audio.stretch import MAX_FACTOR, MIN_FACTOR, Stretch, factors
from syrinx.core.types import Samples
from tests.audio.signals import pitch_of, tone, voice_like

TEMPOS = [0.125, 0.25, 0.5, 0.8, 1.25, 1.5, 2.0, 3.0, 4.0, 8.0]
"""Speed 0.25 to 4 over pitch 0.5 to 2 gives 0.125 to 8."""


def stretched(tempo: float, samples: Samples, sizes: list[int] | None = None, rate: int = 24000) -> Samples:
    stretch, out, start = Stretch(rate, tempo), [], 0
    for size in sizes or []:
        out.append(stretch.push(samples[start : start + size]))
        start += size
    out += [stretch.push(samples[start:]), stretch.flush()]
    return np.concatenate(out)


@given(st.floats(0.125, 8.0))
def test_no_single_filter_leaves_its_safe_range(tempo: float) -> None:
    parts = factors(tempo)
    assert math.prod(parts) == pytest.approx(tempo, rel=1e-5)
    assert all(MIN_FACTOR <= round(part, 9) <= MAX_FACTOR for part in parts)
    assert len(parts) <= 3


@pytest.mark.parametrize("rate", [16000, 22050, 24000, 44100])
@pytest.mark.parametrize("tempo", TEMPOS)
def test_length_is_exact_pitch_and_level_are_kept(tempo: float, rate: int) -> None:
    voice = voice_like(3.0, rate, pitch=140.0)
    out = stretched(tempo, voice, rate=rate)
    assert abs(len(out) - len(voice) / tempo) <= 1
    middle = out[len(out) // 5 : -len(out) // 5]
    assert pitch_of(middle, rate, low=100.0) == pytest.approx(140.0, rel=0.01)
    assert rms(out) == pytest.approx(rms(voice), rel=0.15)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(TEMPOS), st.integers(0, 12000), st.lists(st.integers(0, 5000), max_size=8))
def test_length_is_exact_for_any_input_and_cuts_do_not_matter(tempo: float, length: int, sizes: list[int]) -> None:
    samples = voice_like(0.5, 24000)[:length]
    out = stretched(tempo, samples, sizes)
    assert len(out) == round(len(samples) / tempo)
    np.testing.assert_allclose(out, stretched(tempo, samples), atol=1e-6)


@pytest.mark.parametrize("tempo", [0.25, 0.5, 2.0, 4.0])
def test_events_stay_at_their_time(tempo: float) -> None:
    samples = np.zeros(48000, np.float32)
    samples[24000:28800] = tone(440.0, 0.2, 24000)
    out = stretched(tempo, samples)
    loud = np.flatnonzero(np.abs(out) > 0.1)
    assert loud[0] / 24000 * tempo == pytest.approx(1.0, abs=max(0.03, 0.03 * tempo))
    assert loud[-1] / 24000 * tempo == pytest.approx(1.2, abs=max(0.03, 0.03 * tempo))


def test_tempo_1_is_no_filter_at_all() -> None:
    samples = tone(440.0, 0.1, 24000)
    stretch = Stretch(24000, 1.0)
    assert not stretch.active
    assert stretch.push(samples) is samples
    assert len(stretch.flush()) == 0


def test_sound_comes_before_the_input_ends() -> None:
    stretch, voice = Stretch(24000, 1.5), voice_like(0.2, 24000)
    assert sum(len(stretch.push(voice[start : start + 480])) for start in range(0, 4800, 480)) > 480
    stretch.close()
    stretch.close()
