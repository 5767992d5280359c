"""The reference clip as it is kept beside a voice: a mono 16-bit WAV file."""

from __future__ import annotations

import io
import wave

import numpy as np

from syrinx.audio.encode.convert import FULL_SCALE, to_int16
from syrinx.audio.encode.wav import PCM, WavLayout
from syrinx.core.errors import InvalidRequest
from syrinx.models.base import ReferenceClip

MAX_SECONDS = 30.0
"""Of a clip as kept: what voice prompts are made of at most (pocket-tts' export takes as much)."""
MAX_RATE = 48_000
"""Hertz; recordings of more are brought down to it."""
MAX_CLIP_BYTES = int((MAX_SECONDS + 1) * MAX_RATE * 2)


def wav_bytes(clip: ReferenceClip) -> bytes:
    """The clip as a WAV file."""
    return WavLayout(PCM, 2).header(clip.sample_rate, len(clip.samples)) + to_int16(clip.samples).tobytes()


def read_clip(data: bytes, text: str = "", language: str = "") -> ReferenceClip:
    """Read a clip as ``wav_bytes`` writes it, and nothing else: an imported voice may hold anything.

    Raises ``InvalidRequest``: ``bad_audio``, ``audio_too_long``.
    """
    try:
        with wave.open(io.BytesIO(data)) as file:
            kind, rate = (file.getnchannels(), file.getsampwidth()), file.getframerate()
            found = file.readframes(int((MAX_SECONDS + 1.0) * MAX_RATE) + 1)
    except (wave.Error, EOFError, RuntimeError) as error:
        raise InvalidRequest(f"The clip is no WAV file: {error}.", code="bad_audio") from None
    if kind != (1, 2) or not 0 < rate <= MAX_RATE or len(found) < 2:
        raise InvalidRequest("The clip is no mono 16-bit WAV file with sound in it.", code="bad_audio")
    if len(found) > (MAX_SECONDS + 1.0) * rate * 2:
        raise InvalidRequest(f"The clip is longer than {MAX_SECONDS:g} s.", code="audio_too_long")
    samples = np.frombuffer(found[: len(found) // 2 * 2], "<i2") * np.float32(1 / FULL_SCALE)
    return ReferenceClip(samples.astype(np.float32, copy=False), rate, text, language)
