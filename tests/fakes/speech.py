"""Recordings of a voice for tests: espeak's speech as files of any kind, and the noises that spoil them."""

from __future__ import annotations

import functools
import io
from fractions import Fraction
from typing import Any

import numpy as np

from syrinx.audio.resample import Resampler
from syrinx.audio.stretch import Stretch
from syrinx.core.types import Samples, SynthesisJob
from syrinx.models.registry import create

TEXT = (
    "The quick brown fox jumps over the lazy dog, and then it sleeps for a long while in the sun. "
    "What do you think of that, my dear friend? I would not mind."
)
RATE = 22_050


@functools.cache
def _said(voice: str) -> bytes:
    backend = create("espeak", {})
    backend.load()
    steps = backend.stepped()
    steps.open(SynthesisJob("a", TEXT, voice, "en"))
    pieces: list[Samples] = []
    try:
        done = False
        while not done:
            (result,) = steps.step(["a"])
            done = result.done
            if result.chunk is not None:
                assert result.chunk.sample_rate == RATE
                pieces.append(result.chunk.samples)
    finally:
        steps.close("a")
        backend.unload()
    return np.concatenate(pieces).tobytes()


def speech(voice: str = "en", speed: float = 1.0, peak_db: float = -3.0, rate: int = RATE) -> Samples:
    """Some nine seconds of speech (at speed 1) that peak at this level."""
    stretch = Stretch(RATE, speed)
    samples = np.concatenate([stretch.push(np.frombuffer(_said(voice), np.float32)), stretch.flush()])
    samples = samples * np.float32(10 ** (peak_db / 20) / np.abs(samples).max())
    resampler = Resampler(RATE, rate)
    return np.concatenate([resampler.push(samples), resampler.flush()])


def tone(frequency: float = 173.0, seconds: float = 5.0, rate: int = 24_000, level: float = 0.3) -> Samples:
    """A held note with harmonics."""
    times = np.arange(int(seconds * rate)) / rate
    return np.asarray(level * sum(np.sin(2 * np.pi * frequency * n * times) / n for n in (1, 2, 3)), np.float32)


def noise(seconds: float = 5.0, rate: int = 24_000, level: float = 0.1) -> Samples:
    """White noise, the same each time."""
    return np.asarray(level * np.random.default_rng(7).standard_normal(int(seconds * rate)), np.float32)


def recording(samples: Samples, rate: int = RATE, kind: str = "wav", channels: int = 1) -> bytes:
    """The samples as a file: ``wav``, ``mp3``, ``flac`` or ``ogg``; the same on every channel."""
    import av

    codec, sample_format = {
        "wav": ("pcm_s16le", "s16"),
        "mp3": ("libmp3lame", "s16p"),
        "flac": ("flac", "s16"),
        "ogg": ("libopus", "s16"),
    }[kind]
    layout = "mono" if channels == 1 else "stereo"
    integers = np.clip(np.rint(samples * 32767), -32768, 32767).astype("<i2")
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=kind) as file:
        stream: Any = file.add_stream(codec, rate=48_000 if kind == "ogg" else rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.repeat(integers, channels).reshape(1, -1), "s16", layout)
        frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
        resampler = av.AudioResampler(sample_format, layout, stream.rate, frame_size=stream.frame_size or 0)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    return buffer.getvalue()
