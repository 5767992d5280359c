"""Checks a recording of a voice that is to be cloned, and says what is wrong with it in numbers. Pure.

The limits stand here; ``docs/voices.md`` has them for people. They are made to let normal speech pass at any usual
level: a founding system asked for -20 dBFS on average and so refused most of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from syrinx.audio.decode import decode_audio
from syrinx.audio.resample import Resampler
from syrinx.core.errors import InvalidRequest
from syrinx.core.types import Samples
from syrinx.models.base import ReferenceClip

from .clip import MAX_RATE, MAX_SECONDS

MIN_SECONDS = 3.0
"""Of speech, without silence at the edges; MAX_SECONDS of it are used."""
LOOKED_AT_S = 60.0
"""What is read of a recording, however long it is or says it is."""
MIN_RATE = 8000
"""Hertz: telephone speech."""
MAX_SAMPLE = 1000.0
"""Times full scale: 32-bit floats may hold numbers whose squares are infinite."""
FRAME_S = 0.03
"""Levels are those of frames of this length, above ``RUMBLE_HZ``, in dB below full scale."""
RUMBLE_HZ = 80.0
MIN_LEVEL_DB = -50.0
"""Of the loud frames (95th percentile); speech that peaks at full scale has about -14."""
EDGE_DB = 35.0
"""Frames at the edges that are this much quieter than the loud ones, or below ``SILENT_DB``, are cut off ..."""
SILENT_DB = -65.0
EDGE_KEPT_S = 0.1
"""... but for so much."""
CLIPPED_AT = 0.99
MAX_CLIPPED = 0.005
"""Share of samples at the limit: speech that is 6 dB too loud has about 0.01, a limiter leaves less than 0.003."""
MIN_RANGE_DB = 15.0
"""From the quiet frames (10th percentile) to the loud ones: speech has pauses. Clean speech has 30 to 50, with white
noise 15 dB below it 21, 5 dB below it 12; noise alone 1 to 5."""
STEADY_FLATNESS = 0.07
"""Below this spectral flatness (1: white noise) a steady sound is a held note and no noise."""
SPEECH_BAND_HZ = (80.0, 4000.0)
USUAL_LEVEL_DB = -17.0
"""What ``normalize`` brings the loud frames to ..."""
MAX_PEAK = 0.95
"""... unless this is reached first."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A recording that can be cloned from."""

    samples: Samples
    """Without silence at the edges, at most MAX_SECONDS."""
    sample_rate: int
    seconds: float
    """Of speech that was found in the first ``LOOKED_AT_S`` of the recording; more than MAX_SECONDS is not used."""

    def clip(self, text: str = "", language: str = "") -> ReferenceClip:
        """What a model is given of it."""
        return ReferenceClip(self.samples, self.sample_rate, text, language)


def check_reference(data: bytes, *, normalize: bool = True) -> Reference:
    """Read a recording in any usual container and find the speech in it.

    Raises ``InvalidRequest`` with a ``code``: ``bad_audio``, ``audio_too_short``, ``audio_too_quiet``,
    ``audio_clipped`` or ``audio_noisy``; the message has what was measured and the limit.
    """
    samples, rate = _read(data)
    levels = _levels(samples, rate)
    loud = float(np.percentile(levels, 95))
    if loud < MIN_LEVEL_DB:
        raise _refusal(
            "audio_too_quiet", f"is too quiet: its loud parts are at {loud:.0f} dB; the least is {MIN_LEVEL_DB:g} dB"
        )
    first, last = _edges(levels, loud)
    frame, kept = int(FRAME_S * rate), int(EDGE_KEPT_S * rate)
    start, end = max(0, first * frame - kept), (last + 1) * frame + kept
    seconds = (last + 1 - first) * FRAME_S
    if seconds < MIN_SECONDS:
        raise _refusal("audio_too_short", f"has {seconds:.1f} s of speech in it; the least is {MIN_SECONDS:g} s")
    used = samples[start : min(end, start + int(MAX_SECONDS * rate))]
    _check_clipping(used)
    _check_noise(used, rate, levels[first : last + 1])
    if normalize:
        gain = min(10 ** ((USUAL_LEVEL_DB - loud) / 20), MAX_PEAK / float(np.abs(used).max()))
        used = (used * gain).astype(np.float32)
    return Reference(np.ascontiguousarray(used), rate, seconds)


def _read(data: bytes) -> tuple[Samples, int]:
    samples, rate = decode_audio(data, LOOKED_AT_S, cut=True)
    if not (np.abs(samples) <= MAX_SAMPLE).all():  # also true of NaN
        raise _refusal("bad_audio", f"has samples that are no numbers, or beyond {MAX_SAMPLE:g} times full scale")
    if rate < MIN_RATE:
        raise _refusal("bad_audio", f"has {rate} Hz; the least is {MIN_RATE} Hz")
    if len(samples) < MIN_SECONDS * rate:
        raise _refusal("audio_too_short", f"lasts {len(samples) / rate:.1f} s; the least is {MIN_SECONDS:g} s")
    if rate > MAX_RATE:
        resampler = Resampler(rate, MAX_RATE)
        samples, rate = np.concatenate([resampler.push(samples), resampler.flush()]), MAX_RATE
    return samples, rate


def _frames(samples: Samples, rate: int) -> NDArray[np.float32]:
    size = int(FRAME_S * rate)
    return samples[: len(samples) // size * size].reshape(-1, size)


def _levels(samples: Samples, rate: int) -> NDArray[np.float64]:
    """The level of each frame in dB, rumble and offset taken out."""
    size = 1 << (len(samples) - 1).bit_length()  # a length with large prime factors takes ten times as long
    spectrum = np.fft.rfft(samples, size)
    spectrum[: int(RUMBLE_HZ * size / rate)] = 0
    frames = _frames(np.fft.irfft(spectrum, size)[: len(samples)].astype(np.float32), rate)
    return 20 * np.log10(np.sqrt(np.mean(np.square(frames, dtype=np.float64), axis=1)) + 1e-9)


def _edges(levels: NDArray[np.float64], loud: float) -> tuple[int, int]:
    sounding = np.flatnonzero(levels > max(loud - EDGE_DB, SILENT_DB))
    return int(sounding[0]), int(sounding[-1])


def _check_clipping(samples: Samples) -> None:
    clipped = float(np.mean(np.abs(samples) >= CLIPPED_AT))
    if clipped > MAX_CLIPPED:
        raise _refusal(
            "audio_clipped", f"is clipped: {clipped:.1%} of it is at full scale; the most is {MAX_CLIPPED:.1%}"
        )


def _check_noise(samples: Samples, rate: int, levels: NDArray[np.float64]) -> None:
    quiet, loud = (float(level) for level in np.percentile(levels, (10, 95)))
    if loud - quiet < MIN_RANGE_DB and _flatness(samples, rate) > STEADY_FLATNESS:
        raise _refusal(
            "audio_noisy",
            f"is too noisy: its pauses are {loud - quiet:.0f} dB below its speech; the least is {MIN_RANGE_DB:g} dB",
        )


def _flatness(samples: Samples, rate: int) -> float:
    """The median over frames of how much the spectrum of speech looks like that of white noise, 0 to 1."""
    frames = _frames(samples, rate)
    power = np.abs(np.fft.rfft(frames * np.hanning(frames.shape[1]))) ** 2
    bins = np.fft.rfftfreq(frames.shape[1], 1 / rate)
    band = power[:, (bins > SPEECH_BAND_HZ[0]) & (bins < SPEECH_BAND_HZ[1])] + 1e-18
    return float(np.median(np.exp(np.mean(np.log(band), axis=1)) / np.mean(band, axis=1)))


def _refusal(code: str, what: str) -> InvalidRequest:
    return InvalidRequest(f"The recording {what}.", code=code)
