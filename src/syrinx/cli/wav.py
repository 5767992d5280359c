"""The few bytes of WAV that a command needs: where streamed audio begins, and its true lengths once it has ended."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from syrinx.core.errors import ModelFailed

MAX_HEADER_BYTES = 4096
MAX_LENGTH = 0xFFFFFFFF
"""RIFF lengths have 32 bits; longer audio keeps this value, which players read as "to the end"."""


@dataclass(frozen=True, slots=True)
class WavHeader:
    sample_rate: int
    channels: int
    bits: int
    size: int
    """Bytes before the first sample."""


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


def mend_lengths(file: BinaryIO) -> None:
    """Write the true lengths into the header of a seekable WAV file that was streamed, and go back to its end."""
    end = file.seek(0, 2)
    file.seek(0)
    header = parse_header(file.read(MAX_HEADER_BYTES))
    if header is not None:
        for at, length in ((4, end - 8), (header.size - 4, end - header.size)):
            file.seek(at)
            file.write(min(length, MAX_LENGTH).to_bytes(4, "little"))
    file.seek(end)
