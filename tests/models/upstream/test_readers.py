from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.errors import ModelFailed
from syrinx.models.upstream.readers import MAX_EVENT_BYTES, EventReader, PcmReader


def event(kind: str, **fields: Any) -> bytes:
    return b"data: " + json.dumps({"type": kind, **fields}).encode() + b"\n\n"


def delta(audio: bytes) -> bytes:
    return event("speech.audio.delta", audio=base64.b64encode(audio).decode())


DONE = event("speech.audio.done", usage={})


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5), st.integers(1, 60))
def test_events_give_the_same_audio_however_they_are_cut(pieces: list[bytes], size: int) -> None:
    stream = b": hello\r\n" + b"".join(map(delta, pieces)) + DONE + b"data: [DONE]\n\n"
    reader = EventReader()
    cuts = range(0, len(stream), size)
    assert b"".join(reader.feed(stream[start : start + size]) for start in cuts) == b"".join(pieces)
    reader.finish()


def test_lines_may_end_as_windows_ends_them_and_data_may_span_lines() -> None:
    data = json.dumps({"type": "speech.audio.delta", "audio": "YWI="}, indent=1).split("\n")
    assert EventReader().feed("".join(f"data: {line}\r\n" for line in data).encode() + b"\r\n") == b"ab"


def test_events_that_end_without_done_broke_off() -> None:
    reader = EventReader()
    reader.feed(delta(b"ab"))
    with pytest.raises(ModelFailed, match="broke off"):
        reader.finish()


@pytest.mark.parametrize(
    "data",
    [
        event("speech.audio.error", error={"message": "out of memory"}),
        event("speech.audio.error", error="out of memory"),
        event("speech.audio.error", message="out of memory"),
        event("error", error={"message": "out of memory", "code": "model_failed"}),
    ],
)
def test_an_error_in_the_stream_is_told(data: bytes) -> None:
    with pytest.raises(ModelFailed, match="out of memory"):
        EventReader().feed(data)


@pytest.mark.parametrize(
    "data", [b"no json", b"[]", b"{}", b'{"type":"speech.audio.delta"}', b'{"type":"speech.audio.delta","audio":"*"}']
)
def test_an_event_that_cannot_be_read_is_an_error(data: bytes) -> None:
    with pytest.raises(ModelFailed, match="cannot be read"):
        EventReader().feed(b"data: " + data + b"\n\n")


def test_an_endless_event_is_given_up() -> None:
    reader = EventReader()
    with pytest.raises(ModelFailed, match="more than"):
        for _ in range(MAX_EVENT_BYTES // 1_000_000 + 1):
            reader.feed(b"x" * 1_000_000)


@given(st.binary(max_size=2000))
def test_any_bytes_are_events_or_a_failure(data: bytes) -> None:
    reader = EventReader()
    try:
        reader.feed(data)
        reader.finish()
    except ModelFailed:
        pass


@given(st.lists(st.binary(max_size=9), max_size=9))
def test_pcm_passes_unchanged(pieces: list[bytes]) -> None:
    audio = [b"\0\0\1\0", *pieces]
    reader = PcmReader()
    assert b"".join(map(reader.feed, audio)) == b"".join(audio)


@pytest.mark.parametrize("start", [b"RIFF\x24\0\0\0WAVE", b"ID3\4\0", b"OggS\0\2", b"fLaC\0", b'{"error":1}'])
def test_a_file_is_no_pcm_however_it_comes(start: bytes) -> None:
    reader = PcmReader()
    with pytest.raises(ModelFailed, match="file where PCM was asked for"):
        for byte in start:
            reader.feed(bytes([byte]))


def test_an_answer_of_two_bytes_is_heard() -> None:
    reader = PcmReader()
    assert reader.feed(b"ab") + reader.finish() == b"ab"
