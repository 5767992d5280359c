"""Test tones, measures, and decoders that are not ours."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import soundfile

from syrinx.audio.decode import decode_audio
from syrinx.core.types import Samples

RAW = {
    "pcm_s16le": ("PCM_16", "LITTLE"),
    "pcm_f32le": ("FLOAT", "LITTLE"),
    "mulaw": ("ULAW", "FILE"),
    "alaw": ("ALAW", "FILE"),
}
"""libsndfile's names for headerless containers."""


def tone(frequency: float, seconds: float, sample_rate: int, level: float = 0.5) -> Samples:
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    return (level * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def voice_like(seconds: float, sample_rate: int, pitch: float = 140.0) -> Samples:
    """A buzz of 12 harmonics with a syllable-like envelope and a little noise, peak 0.5."""
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    buzz = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 13))
    noise = np.random.default_rng(1).standard_normal(len(time)) * 0.01
    shaped = (0.6 + 0.4 * np.sin(2 * np.pi * 4 * time)) * buzz + noise
    return (0.5 * shaped / np.abs(shaped).max()).astype(np.float32)


def frequency(samples: Samples, sample_rate: int) -> float:
    """Of the strongest sine, by a zero-padded spectrum (about 0.1 Hz of resolution)."""
    size = 1 << 19
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), size))
    return float(spectrum.argmax() * sample_rate / size)


def pitch_of(samples: Samples, sample_rate: int, low: float = 60.0, high: float = 500.0) -> float:
    """Fundamental of a periodic sound, by autocorrelation with a parabola through the top."""
    spectrum = np.fft.rfft(samples, 2 * len(samples))
    correlation = np.fft.irfft(np.abs(spectrum) ** 2)[: len(samples)]
    first, last = int(sample_rate / high), int(sample_rate / low)
    top = first + int(correlation[first:last].argmax())
    left, middle, right = correlation[top - 1 : top + 2]
    return float(sample_rate / (top + 0.5 * (left - right) / (left - 2 * middle + right)))


def snr_db(samples: Samples, tone_hz: float, sample_rate: int) -> float:
    """Ratio of a fitted sine to everything else."""
    time = np.arange(len(samples)) / sample_rate
    angle = 2 * np.pi * tone_hz * time
    basis = np.stack((np.sin(angle), np.cos(angle)), axis=1)
    weights, *_ = np.linalg.lstsq(basis, samples.astype(np.float64), rcond=None)
    fitted = basis @ weights
    return float(10 * np.log10(np.sum(fitted**2) / np.sum((samples - fitted) ** 2)))


def decode(name: str, data: bytes, sample_rate: int) -> tuple[Samples, int]:
    """Decode with libsndfile where it knows the container, else with FFmpeg."""
    if name in RAW:
        subtype, endian = RAW[name]
        options: dict[str, Any] = {"format": "RAW", "subtype": subtype, "endian": endian, "channels": 1}
        samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", samplerate=sample_rate, **options)
        return np.asarray(samples, np.float32), rate
    endless_flac = name == "flac" and not any(data[22:26])  # libsndfile wants to know the length to seek
    if name in ("aac", "webm") or endless_flac:
        return decode_audio(data, 600.0)
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        blocks = []
        while len(block := file.read(65536, dtype="float32")):  # a stream's header does not tell its length
            blocks.append(block)
        return (np.concatenate(blocks) if blocks else np.empty(0, np.float32)), file.samplerate
