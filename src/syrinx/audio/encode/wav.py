"""RIFF/WAVE with a header written by hand: exact sizes where the length is known, 0xFFFFFFFF where it is not.

Decoders take 0xFFFFFFFF as "until the end"; zero or a guess makes strict ones stop early or play the trailer.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from syrinx.core.types import Samples

from .base import Container, ContainerInfo, Encoder, EncoderSpec
from .convert import to_int16
from .g711 import alaw_table, mulaw_table

UNKNOWN_SIZE = 0xFFFFFFFF
PCM, FLOAT, ALAW, MULAW = 1, 3, 6, 7
"""WAVE format tags (RFC 2361)."""


@dataclass(frozen=True, slots=True)
class WavLayout:
    """How one sample lies in the data chunk."""

    format_tag: int
    bytes_per_sample: int

    def header(self, sample_rate: int, samples: int | None) -> bytes:
        """Return the header up to the first sample: 44 bytes for PCM, 58 for others (they need a ``fact`` chunk)."""
        width = self.bytes_per_sample
        fmt = struct.pack("<HHIIHH", self.format_tag, 1, sample_rate, sample_rate * width, width, 8 * width)
        count = UNKNOWN_SIZE if samples is None else samples
        extra = b"" if self.format_tag == PCM else struct.pack("<4sII", b"fact", 4, min(count, UNKNOWN_SIZE))
        fmt += b"" if self.format_tag == PCM else b"\0\0"
        before_data = 4 + 8 + len(fmt) + len(extra) + 8
        size = UNKNOWN_SIZE if samples is None else samples * width
        riff = size + (size & 1) + before_data
        if riff > UNKNOWN_SIZE:  # unknown, or more than the format can say
            size = riff = UNKNOWN_SIZE
        riff_chunk = struct.pack("<4sI4s", b"RIFF", riff, b"WAVE")
        return riff_chunk + struct.pack("<4sI", b"fmt ", len(fmt)) + fmt + extra + struct.pack("<4sI", b"data", size)

    def seal(self, data: bytes, samples: int) -> bytes:
        """Rewrite the header of a whole streamed file so that it tells the true length."""
        (sample_rate,) = struct.unpack_from("<I", data, 24)
        header = self.header(sample_rate, samples)
        return header + data[len(header) :] + b"\0" * (samples * self.bytes_per_sample & 1)


class Wav(Encoder):
    """A declared length is kept (a surplus is cut, a deficit filled with silence), so that the header never lies."""

    layout = WavLayout(PCM, 2)

    def _begin(self, total_samples: int | None) -> bytes:
        self._left = total_samples
        self._odd = total_samples is not None and bool(total_samples * self.layout.bytes_per_sample & 1)
        return self.layout.header(self.spec.sample_rate, total_samples)

    def _encode(self, samples: Samples) -> bytes:
        if self._left is not None:
            samples = samples[: self._left]
            self._left -= len(samples)
        return self._data(samples)

    def _finish(self) -> bytes:
        missing = self._data(np.zeros(self._left, np.float32)) if self._left else b""
        return missing + (b"\0" if self._odd else b"")  # RIFF chunks have even length

    def _data(self, samples: Samples) -> bytes:
        return to_int16(samples).tobytes()


class WavFloat(Wav):
    layout = WavLayout(FLOAT, 4)

    def _data(self, samples: Samples) -> bytes:
        return np.asarray(samples, dtype="<f4").tobytes()


class WavMulaw(Wav):
    layout = WavLayout(MULAW, 1)

    def __init__(self, spec: EncoderSpec) -> None:
        super().__init__(spec)
        self._table = mulaw_table()

    def _data(self, samples: Samples) -> bytes:
        return self._table[to_int16(samples).view(np.uint16)].tobytes()


class WavAlaw(WavMulaw):
    layout = WavLayout(ALAW, 1)

    def __init__(self, spec: EncoderSpec) -> None:
        super().__init__(spec)
        self._table = alaw_table()


WAV = Container(ContainerInfo("wav", "audio/wav", "wav", cheap=True, lossless=True), Wav, Wav.layout.seal)
WAV_F32LE = Container(
    ContainerInfo("wav_f32le", "audio/wav", "wav", cheap=True, lossless=True), WavFloat, WavFloat.layout.seal
)
WAV_MULAW = Container(
    ContainerInfo("wav_mulaw", "audio/wav", "wav", default_rate=8000, cheap=True), WavMulaw, WavMulaw.layout.seal
)
WAV_ALAW = Container(
    ContainerInfo("wav_alaw", "audio/wav", "wav", default_rate=8000, cheap=True), WavAlaw, WavAlaw.layout.seal
)
