"""Real speech faster, slower, higher and lower: as long as it should be, in its own voice, with nothing lost."""

from __future__ import annotations

import numpy as np
import pytest

from syrinx.audio.level import rms
from syrinx.audio.pipeline import Pipeline, PipelineSpec
from syrinx.core.types import AudioFormat, Delivery, Samples, SynthesisJob
from syrinx.models.registry import create
from tests.audio.signals import pitch_of

TEXT = "The quick brown fox jumps over the lazy dog. She sells sea shells by the sea shore, and many more."
SPEEDS = [0.25, 0.5, 0.8, 1.25, 1.5, 2.0, 3.0, 4.0]


@pytest.fixture(scope="module")
def speech() -> tuple[Samples, int]:
    backend = create("espeak", {})
    info = backend.load()
    try:
        steps, parts, done = backend.stepped(), list[Samples](), False
        steps.open(SynthesisJob("j", TEXT, info.default_voice, "en"))
        while not done:
            (result,) = steps.step(["j"])
            done = result.done
            if result.chunk is not None:
                parts.append(result.chunk.samples)
        return np.concatenate(parts), info.sample_rate
    finally:
        backend.unload()


def delivered(speech: tuple[Samples, int], delivery: Delivery) -> Samples:
    samples, rate = speech
    chain = Pipeline(PipelineSpec(rate, AudioFormat("pcm_f32le"), delivery))
    out = [chain.begin()]
    out += [chain.push(samples[start : start + 2000])[0] for start in range(0, len(samples), 2000)]
    out.append(chain.finish()[0])
    return np.frombuffer(b"".join(out), np.float32)


def pitch_ratio(plain: Samples, out: Samples, rate: int, delivery: Delivery) -> float:
    """How much higher ``out`` is where both are loud: the median over pairs of moments that belong together."""
    found: list[float] = []
    for at in np.arange(0.1, len(out) / rate - 0.1, 0.01):
        one, two = (excerpt(sound, time, rate) for sound, time in ((plain, at * delivery.speed), (out, at)))
        if min(rms(one) / rms(plain), rms(two) / rms(out)) > 1.2:
            before = pitch_of(one, rate, 70.0, 200.0)
            found.append(pitch_of(two, rate, 0.7 * before * delivery.pitch, 1.4 * before * delivery.pitch) / before)
    assert len(found) > 10
    return float(np.median(found))


def excerpt(sound: Samples, time: float, rate: int) -> Samples:
    middle, half = round(time * rate), round(0.04 * rate)
    return sound[max(0, middle - half) : middle + half]


def loudness(samples: Samples, at: np.ndarray, window: float) -> np.ndarray:
    power = np.concatenate(([0.0], np.cumsum(np.square(samples, dtype=np.float64))))
    first = np.clip(np.round(at - window), 0, len(samples) - 1).astype(int)
    last = np.clip(np.round(at + window), 1, len(samples)).astype(int)
    return np.sqrt((power[last] - power[first]) / np.maximum(1, last - first))


@pytest.mark.parametrize("speed", SPEEDS)
def test_speech_is_as_long_as_it_should_be_in_its_own_voice_and_nothing_drops_out(
    speech: tuple[Samples, int], speed: float
) -> None:
    rate, plain, out = speech[1], delivered(speech, Delivery()), delivered(speech, Delivery(speed=speed))
    assert len(out) / len(plain) * speed == pytest.approx(1.0, rel=0.001)
    assert pitch_ratio(plain, out, rate, Delivery(speed=speed)) == pytest.approx(1.0, rel=0.01)
    at = np.arange(0.0, len(out), rate * 0.005)
    heard, meant = (
        loudness(out, at, rate * 0.015 * max(1.0, 1 / speed)),
        loudness(plain, at * speed, rate * 0.015 * max(1.0, speed)),
    )
    assert np.corrcoef(heard, meant)[0, 1] > 0.93
    sounding = meant > 0.3 * meant.max()
    assert (heard[sounding] / meant[sounding]).min() > 0.4


@pytest.mark.parametrize(("speed", "pitch"), [(1.0, 0.5), (1.0, 0.8), (1.0, 1.26), (1.0, 2.0), (4.0, 2.0), (0.25, 0.5)])
def test_the_voice_is_higher_or_lower_by_what_was_asked_and_time_is_kept(
    speech: tuple[Samples, int], speed: float, pitch: float
) -> None:
    rate, plain = speech[1], delivered(speech, Delivery())
    delivery = Delivery(speed=speed, pitch=pitch)
    out = delivered(speech, delivery)
    assert len(out) / len(plain) * speed == pytest.approx(1.0, rel=0.001)
    assert pitch_ratio(plain, out, rate, delivery) == pytest.approx(pitch, rel=0.01)
