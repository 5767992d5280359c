"""Cloning for the tone model: a voice is its pitch. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from syrinx.core.errors import InvalidRequest
from syrinx.core.types import Samples
from syrinx.models.base import ReferenceClip, Tensors

LOWEST_HZ, HIGHEST_HZ = 50.0, 1200.0
"""Pitches that are looked for: from a deep voice's to the highest tone of an utterance."""
FRAME_S, HOP_S = 0.06, 0.03
"""A frame holds three periods of the lowest pitch."""
PERIODIC = 0.6
"""Least autocorrelation (1: repeats itself exactly) of a frame that has a pitch; of noise it is below 0.4."""
NEARLY = 0.9
"""A shorter period that fits nearly as well as the best one is the true one; the others are multiples of it."""
LEAST_VOICED = 0.1
"""Share of the sounding frames that must have a pitch."""
QUIET = 0.03
"""Frames below this share of the loudest one's level do not sound."""
TENSOR = "frequency_hz"


def prompt_of(clip: ReferenceClip) -> Tensors:
    """The prompt of a clip. Raises ``InvalidRequest`` (``no_pitch``) for one without a pitch, such as noise."""
    pitch = pitch_of(clip.samples, clip.sample_rate)
    if pitch is None:
        raise InvalidRequest(
            f"No pitch of {LOWEST_HZ:g} to {HIGHEST_HZ:g} Hz can be heard in the recording: it is noise, or nobody "
            "speaks in it.",
            code="no_pitch",
        )
    return {TENSOR: np.array([pitch], np.float64)}


def frequency_in(tensors: Tensors) -> float:
    """Read the prompt. Raises ``InvalidRequest`` (``bad_prompt``)."""
    array = tensors.get(TENSOR)
    if array is None or array.shape != (1,) or array.dtype != np.float64:
        raise InvalidRequest(f"The voice prompt holds no {TENSOR}.", code="bad_prompt", param="voice")
    frequency = float(array[0])  # type: ignore[arg-type]
    if not LOWEST_HZ / 2 <= frequency <= HIGHEST_HZ * 2:
        raise InvalidRequest(f"The voice prompt's pitch is {frequency} Hz.", code="bad_prompt", param="voice")
    return frequency


def pitch_of(samples: Samples, sample_rate: int) -> float | None:
    """The median fundamental frequency in Hertz, by autocorrelation; None where there is none.

    ``samples`` of at least a frame, at 8000 Hz or more.
    """
    frames = _frames(samples, sample_rate)
    if not len(frames):
        return None
    levels = np.sqrt(np.mean(frames**2, axis=1))
    sounding = frames[levels > QUIET * max(float(levels.max()), 1e-6)]
    if not len(sounding):
        return None
    shortest = max(2, int(sample_rate / HIGHEST_HZ))
    correlation = _autocorrelation(sounding)[:, : int(sample_rate / LOWEST_HZ) + 2]
    periods = [_period(row, shortest) for row in correlation]
    found = [period for period in periods if period is not None]
    if len(found) < LEAST_VOICED * len(periods):
        return None
    return sample_rate / float(np.median(found))


def _frames(samples: Samples, sample_rate: int) -> NDArray[np.float64]:
    size, hop = int(FRAME_S * sample_rate), int(HOP_S * sample_rate)
    if len(samples) < size:
        return np.zeros((0, size))
    windows = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop].astype(np.float64)
    return windows - windows.mean(axis=1, keepdims=True)


def _autocorrelation(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of each row with itself, by lag, 1 at lag 0; corrected for the overlap that shrinks as the lag grows."""
    size = frames.shape[1]
    spectrum = np.fft.rfft(frames, 2 * size)
    raw = np.fft.irfft(np.abs(spectrum) ** 2)[:, :size]
    overlap = np.arange(size, 0, -1) / size
    return raw / np.maximum(raw[:, :1], 1e-12) / overlap


def _period(row: NDArray[np.float64], shortest: int) -> float | None:
    """The period in samples (between them, by a parabola through the peak), or None."""
    inner = row[shortest - 1 :]
    peaks = np.flatnonzero((inner[1:-1] >= inner[:-2]) & (inner[1:-1] > inner[2:])) + 1
    if not len(peaks) or inner[peaks].max() < PERIODIC:
        return None
    first = int(peaks[inner[peaks] >= NEARLY * inner[peaks].max()][0])
    left, top, right = inner[first - 1 : first + 2]
    bend = left - 2 * top + right
    shift = 0.5 * (left - right) / bend if bend < 0 else 0.0
    return first + shortest - 1 + float(shift)
