"""The few bytes of WAV that a command needs: where streamed audio begins and at what rate it is played."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from syrinx.core.errors import ModelFailed

MAX_HEADER_BYTES = 4096


@dataclass(frozen=True, slots=True)
class WavHeader:
    sample_rate: int
    channels: int
    bits: int
    size: int
    """Bytes before the first sample."""

    def samples_in(self, file_size: int) -> int:
        """Samples of a mono file of that many bytes."""
        return max(file_size - self.size, 0) // (self.bits // 8 or 1)


def parse_header(data: bytes) -> WavHeader | None:
    """Read the header that ``data`` begins with; None while more is needed. Raises ``ModelFailed`` if it is none."""
    if len(data) >= 12 and (data[:4] != b"RIFF" or data[8:12] != b"WAVE"):
        raise ModelFailed("What arrived is not a WAV file.")
    at, form = 12, None
    while len(data) >= at + 8:
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name == b"data" and form is not None:
            return WavHeader(sample_rate=form[1], channels=form[0], bits=form[2], size=at + 8)
        if name == b"fmt " and len(data) >= at + 24:
            channels, rate, _, _, bits = struct.unpack_from("<HIIHH", data, at + 10)
            form = (channels, rate, bits)
        at += 8 + length + length % 2
    if len(data) > MAX_HEADER_BYTES:
        raise ModelFailed("What arrived is a WAV file without audio.")
    return None
