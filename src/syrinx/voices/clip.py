"""The reference clip as it is kept beside a voice: a mono 16-bit WAV file."""

from __future__ import annotations

from syrinx.audio.decode import decode_audio
from syrinx.audio.encode.convert import to_int16
from syrinx.audio.encode.wav import PCM, WavLayout
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
    """Read a kept clip. Raises ``InvalidRequest`` for what is not audio."""
    samples, rate = decode_audio(data, MAX_SECONDS + 1.0)
    return ReferenceClip(samples, rate, text, language)
