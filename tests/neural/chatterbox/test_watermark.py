"""The watermark, with Perth's own weights (they come with the package), applied as the audio is made."""

from __future__ import annotations

import numpy as np
import pytest

from syrinx.core.errors import ModelFailed, ModelNotReady
from syrinx.core.types import Samples
from syrinx.models.chatterbox.runtime import bring_in
from syrinx.models.chatterbox.watermark import Marking, marker
from tests.fakes.speech import speech

from .case import backend


def streamed(marking: Marking, samples: Samples, size: int) -> Samples:
    pieces = [marking.push(samples[start : start + size]) for start in range(0, len(samples), size)]
    return np.concatenate([*pieces, marking.finish()])


def test_it_is_found_in_streamed_speech_and_speech_stays_as_it_was() -> None:
    bring_in()
    perth = marker()
    samples = speech(rate=24_000)[: 6 * 24_000]
    marked = streamed(Marking(perth), samples, 24_000)
    assert len(marked) == len(samples) and np.abs(marked).max() <= 1.0
    found = [perth.get_watermark(each, sample_rate=24_000) for each in (marked, samples)]  # type: ignore[attr-defined]
    assert [float(each) for each in found] == [1.0, 0.0]
    whole = perth.apply_watermark(samples, sample_rate=24_000)
    assert np.sqrt(np.mean((marked - whole) ** 2)) < 0.1 * np.sqrt(np.mean(samples**2))


def test_without_a_marker_samples_pass() -> None:
    samples = speech(rate=24_000)
    assert np.array_equal(streamed(Marking(None), samples, 5000), samples)


class Broken:
    def apply_watermark(self, signal: Samples, sample_rate: int) -> Samples:
        return signal[:-1]


def test_what_cannot_be_marked_is_not_sent() -> None:
    with pytest.raises(ModelFailed, match="marked as synthetic"):
        Marking(Broken()).push(np.zeros(4800, np.float32))


def test_the_model_does_not_load_where_speech_cannot_be_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    bring_in()
    import perth

    monkeypatch.setattr(perth, "PerthImplicitWatermarker", None)
    with pytest.raises(ModelNotReady, match="watermark = false"):
        backend(watermark=True).load()
    backend(watermark=False).load()
