"""G.711 mu-law and A-law: telephony's logarithmic bytes, by one table look-up per sample."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from syrinx.core.types import Samples

from .base import Container, ContainerInfo, Encoder, EncoderSpec
from .convert import to_int16

Table = NDArray[np.uint8]
"""uint8, shape (65536,): the code of each int16 value, indexed by its bits as unsigned."""


@functools.cache
def mulaw_table() -> Table:
    """ITU-T G.711 mu-law: 14-bit magnitude plus bias 33 (132 at 16 bits), 8 segments, all bits inverted."""
    value = _int16_values()
    magnitude = np.minimum(np.abs(value), 32635) + 132
    segment = _highest_bit(magnitude) - 7
    code = (segment << 4) | ((magnitude >> (segment + 3)) & 0x0F) | np.where(value < 0, 0x80, 0)
    return (~code & 0xFF).astype(np.uint8)


@functools.cache
def alaw_table() -> Table:
    """ITU-T G.711 A-law: 13-bit magnitude, 8 segments (the first two alike), even bits inverted."""
    value = _int16_values()
    magnitude = np.where(value < 0, ~value, value)
    segment = np.maximum(_highest_bit(np.maximum(magnitude, 1)) - 7, 0)
    mantissa = (magnitude >> np.maximum(segment + 3, 4)) & 0x0F
    code = (segment << 4) | mantissa | np.where(value < 0, 0, 0x80)
    return (code ^ 0x55).astype(np.uint8)


def _int16_values() -> NDArray[np.int32]:
    return np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)


def _highest_bit(value: NDArray[np.int32]) -> NDArray[np.int32]:
    """Position of the highest set bit of each positive value below 2**24 (frexp is exact there)."""
    return (np.frexp(value.astype(np.float64))[1] - 1).astype(np.int32)


class G711(Encoder):
    """One byte a sample."""

    def __init__(self, spec: EncoderSpec, table: Table) -> None:
        super().__init__(spec)
        self._table = table

    def _begin(self, total_samples: int | None) -> bytes:
        return b""

    def _encode(self, samples: Samples) -> bytes:
        return self._table[to_int16(samples).view(np.uint16)].tobytes()


def _mulaw(spec: EncoderSpec) -> Encoder:
    return G711(spec, mulaw_table())


def _alaw(spec: EncoderSpec) -> Encoder:
    return G711(spec, alaw_table())


# Media types: RFC 3551 (PCMU, PCMA); audio/basic would fix the rate at 8 kHz, which we do not.
MULAW = Container(
    ContainerInfo("mulaw", "audio/PCMU", "ulaw", default_rate=8000, cheap=True, bytes_per_sample=1), _mulaw
)
ALAW = Container(ContainerInfo("alaw", "audio/PCMA", "alaw", default_rate=8000, cheap=True, bytes_per_sample=1), _alaw)
