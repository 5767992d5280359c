"""Reading between samples: a tone stays a tone, at the step's pitch, and nothing aliases."""

from __future__ import annotations

import numpy as np
import pytest

from syrinx.audio.interpolate import Interpolator
from syrinx.audio.level import rms
from tests.audio.signals import frequency, snr_db, tone

RATE = 24000


@pytest.mark.parametrize("pitch", [0.25, 0.5, 0.9, 1.1, 1.5, 2.0, 4.0])
@pytest.mark.parametrize("hertz", [100.0, 997.0])
def test_a_tone_is_read_at_its_pitch_and_cleanly(pitch: float, hertz: float) -> None:
    reader, samples = Interpolator(pitch), tone(hertz, 2.0, RATE)
    count = int((len(samples) - 2 * reader.reach - 2) / pitch)
    out = reader.read(samples, reader.reach + 0.37, min(count, RATE))
    assert frequency(out, RATE) == pytest.approx(hertz * pitch, abs=1.0)
    assert snr_db(out, hertz * pitch, RATE) > 60
    assert rms(out) == pytest.approx(rms(samples), rel=0.01)


def test_what_would_alias_is_taken_out() -> None:
    reader = Interpolator(2.0)
    out = reader.read(tone(8000.0, 1.0, RATE), reader.reach, RATE // 2 - reader.reach)
    assert rms(out) < 0.001 * rms(tone(8000.0, 1.0, RATE))


def test_a_read_in_parts_is_the_read_at_once() -> None:
    reader, samples = Interpolator(1.3), tone(440.0, 1.0, RATE)
    whole = reader.read(samples, 200.25, 300)
    parts = [reader.read(samples, 200.25 + 1.3 * done, 100) for done in (0, 100, 200)]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=2e-3)
