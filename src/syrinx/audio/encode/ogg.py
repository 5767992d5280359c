"""Ogg pages (RFC 3533), written here because FFmpeg's muxer always keeps one page back. Pure."""

from __future__ import annotations

import struct
import zlib

CONTINUED, FIRST, LAST = 1, 2, 4
"""Header type flags."""

_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class OggStream:
    """One logical stream: numbers its pages. ``serial`` tells chained streams apart (any 32-bit number)."""

    def __init__(self, serial: int) -> None:
        self._serial = serial
        self._sequence = 0

    def page(self, packet: bytes, granule: int, flags: int = 0) -> bytes:
        """Return a page that holds exactly ``packet`` (shorter than 65,025 bytes)."""
        lacing = b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255])
        head = struct.pack("<4sBBqII", b"OggS", 0, flags, granule, self._serial, self._sequence)
        self._sequence += 1
        table = bytes([len(lacing)]) + lacing
        crc = checksum(head + b"\0\0\0\0" + table + packet)
        return b"".join((head, struct.pack("<I", crc), table, packet))


def checksum(data: bytes) -> int:
    """Ogg's CRC-32: zlib's polynomial, but most significant bit first, start 0 and not inverted.

    Reversing the bits of every byte and of the result turns zlib's fast one into it.
    """
    reflected = zlib.crc32(data.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{reflected:032b}"[::-1], 2)
