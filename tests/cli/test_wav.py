"""WAV headers of streams and files."""

from __future__ import annotations

import io
import wave

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.cli.wav import parse_header
from syrinx.core.errors import ModelFailed


def wav_of(frames: bytes, rate: int = 24_000) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(frames)
    return file.getvalue()


@given(st.integers(8000, 48_000))
def test_a_header_is_read_as_soon_as_it_is_whole(rate: int) -> None:
    data = wav_of(b"\1\2" * 100, rate)
    assert [parse_header(data[:size]) for size in range(44)] == [None] * 44
    header = parse_header(data[:44])
    assert header is not None
    assert (header.sample_rate, header.channels, header.bits, header.size) == (rate, 1, 16, 44)


def test_chunks_before_the_audio_are_passed_over() -> None:
    plain = wav_of(b"\1\2" * 4)
    odd = plain[:12] + b"LIST" + (3).to_bytes(4, "little") + b"abc\0" + plain[12:]
    header = parse_header(odd)
    assert header is not None and odd[header.size :] == b"\1\2" * 4


@pytest.mark.parametrize("data", [b"<html><body>no</body></html>", b"RIFF\0\0\0\0AVI LIST" + b"\0" * 32])
def test_what_is_no_wav_is_refused(data: bytes) -> None:
    with pytest.raises(ModelFailed, match="not a WAV"):
        parse_header(data)


def test_a_wav_without_audio_does_not_grow_for_ever() -> None:
    endless = b"RIFF\0\0\0\0WAVE" + (b"junk" + (8).to_bytes(4, "little") + b"\0" * 8) * 300
    with pytest.raises(ModelFailed, match="without audio"):
        parse_header(endless)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_header_or_a_refusal(data: bytes) -> None:
    try:
        header = parse_header(data)
    except ModelFailed:
        return
    assert header is None or 0 < header.size <= len(data)


@pytest.mark.parametrize("frames", [0, 1, 100])
def test_samples_are_counted_from_the_size_of_the_file(frames: int) -> None:
    data = wav_of(b"\1\2" * frames)
    header = parse_header(data)
    assert header is not None and header.samples_in(len(data)) == frames
