"""Ogg pages against a plain reading of RFC 3533."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.audio.encode import create_encoder
from syrinx.audio.encode.ogg import LAST, OggStream, checksum
from syrinx.core.types import AudioFormat
from tests.audio.signals import decode, tone


def slow_checksum(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = ((crc << 1) ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return crc


def pages(data: bytes) -> list[tuple[int, int, bytes]]:
    """Return (flags, granule, packet) of each page, checking number and checksum."""
    found, start = [], 0
    while start < len(data):
        capture, version, flags, granule, _, sequence, crc, count = struct.unpack_from("<4sBBqIIIB", data, start)
        size = sum(data[start + 27 : start + 27 + count])
        body = start + 27 + count
        blank = data[start : start + 22] + b"\0\0\0\0" + data[start + 26 : body + size]
        assert (capture, version, sequence, crc) == (b"OggS", 0, len(found), slow_checksum(blank))
        found.append((flags, granule, data[body : body + size]))
        start = body + size
    return found


@given(st.binary(max_size=600))
def test_the_fast_checksum_is_the_bitwise_one(data: bytes) -> None:
    assert checksum(data) == slow_checksum(data)


@pytest.mark.parametrize("size", [0, 1, 254, 255, 256, 510, 60000])
def test_a_page_holds_its_packet(size: int) -> None:
    packet = bytes(range(256)) * (size // 256 + 1)
    stream = OggStream(7)
    assert pages(stream.page(packet[:size], 5, LAST)) == [(LAST, 5, packet[:size])]


@pytest.mark.parametrize("samples", [1, 479, 480, 481, 20000, 23999])
def test_opus_pages_are_one_packet_each_and_the_last_tells_the_exact_length(samples: int) -> None:
    encoder = create_encoder(AudioFormat("opus"), 24000)
    sound = tone(440.0, 1.0, 24000)[:samples]
    data = encoder.begin() + encoder.encode(sound) + encoder.finish()
    head, tags, *audio = pages(data)
    assert (head[0], head[2][:8], tags[2][:8]) == (2, b"OpusHead", b"OpusTags")
    pre_skip = struct.unpack_from("<H", head[2], 10)[0]
    granules = [granule for _, granule, _ in audio]
    assert granules[:-1] == [960 * (k + 1) for k in range(len(audio) - 1)]
    assert granules[-1] == pre_skip + 2 * samples
    assert [flags for flags, _, _ in audio] == [0] * (len(audio) - 1) + [LAST]
    assert len(decode("opus", data, 24000)[0]) == samples * decode("opus", data, 24000)[1] // 24000


def test_streams_differ_in_serial_so_that_they_may_be_chained() -> None:
    first, second = (create_encoder(AudioFormat("opus"), 24000).begin()[14:18] for _ in range(2))
    assert first != second


def test_an_empty_opus_stream_is_headers_and_an_end() -> None:
    encoder = create_encoder(AudioFormat("opus"), 24000)
    data = encoder.begin() + encoder.encode(np.empty(0, np.float32)) + encoder.finish()
    assert [flags for flags, _, _ in pages(data)] == [2, 0, LAST]
