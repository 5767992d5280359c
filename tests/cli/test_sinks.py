"""Where audio goes."""

from __future__ import annotations

import io
import os
import wave
from pathlib import Path

import numpy as np
import pytest

from syrinx.audio.encode import CONTAINERS, create_encoder, output_rate, seal
from syrinx.cli import playback
from syrinx.cli.playback import find_loudspeaker
from syrinx.cli.sinks import FileSink, StreamSink, open_sink
from syrinx.core.errors import ModelFailed, ModelNotReady
from syrinx.core.types import AudioFormat
from tests.cli.test_wav import wav_of


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "hello.mp3"
    sink = open_sink(path, "mp3")
    sink.write(b"abc")
    assert not path.exists()
    sink.close(None)
    assert path.read_bytes() == b"abc"
    assert list(tmp_path.iterdir()) == [path]


def test_a_broken_stream_leaves_an_older_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "hello.mp3"
    path.write_bytes(b"older")
    sink = open_sink(path, "mp3")
    sink.write(b"abc")
    sink.abandon()
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


def test_a_streamed_wav_is_a_proper_file_in_the_end(tmp_path: Path) -> None:
    path = tmp_path / "hello.wav"
    whole = wav_of(b"\1\2" * 100)
    for samples in (None, 100):  # a server does not tell how many there are
        sink = FileSink(path, "wav")
        sink.write(whole[:4] + b"\xff" * 4 + whole[8:40] + b"\xff" * 4)
        sink.write(whole[44:])
        sink.close(samples)
        with wave.open(str(path), "rb") as reader:
            assert reader.getnframes() == 100
        assert path.read_bytes() == whole


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("samples", [7201, 480_000])
def test_a_file_is_the_same_as_one_sealed_in_memory(container: str, samples: int, tmp_path: Path) -> None:
    wanted = AudioFormat(container)
    rate = output_rate(wanted, 24_000)
    encoder = create_encoder(wanted, rate)
    tone = (0.5 * np.sin(np.arange(samples) * 0.05)).astype(np.float32)
    data = encoder.begin() + encoder.encode(tone) + encoder.finish()
    sink = FileSink(tmp_path / "file", container)
    sink.write(data)
    sink.close(samples)
    assert (tmp_path / "file").read_bytes() == seal(wanted, data, samples)


def test_a_folder_that_is_not_there_is_told_before_anything_is_spoken(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_sink(tmp_path / "absent" / "hello.wav", "wav")


def test_a_device_is_written_through(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        sink = open_sink(pipe, "wav")
        assert isinstance(sink, StreamSink)
        sink.write(b"now")
        assert os.read(reader, 10) == b"now"
        sink.close(None)
    finally:
        os.close(reader)


def test_standard_output_takes_every_piece_at_once() -> None:
    file = io.BytesIO()
    sink = StreamSink(file)
    sink.write(b"a")
    sink.write(b"b")
    sink.close(None)
    assert file.getvalue() == b"ab"


PROGRAM = """#!/bin/sh
echo "$@" > "$0.arguments"
cat > "$0.audio"
exit ${STATUS:-0}
"""


@pytest.fixture
def player(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An `aplay` that keeps what it is given; the only program there is."""
    program = tmp_path / "bin" / "aplay"
    program.parent.mkdir()
    program.write_text(PROGRAM, encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/bin:/usr/bin")
    monkeypatch.setattr(playback, "_sound_device", lambda: None)
    return program


def test_a_program_on_path_plays_the_samples_of_a_wav_stream(player: Path) -> None:
    sink = open_sink(None, "wav")
    data = wav_of(b"\1\2" * 100, rate=22_050)
    for at in range(0, len(data), 7):
        sink.write(data[at : at + 7])
    sink.close(None)
    assert player.with_name("aplay.audio").read_bytes() == b"\1\2" * 100
    assert "-r 22050" in player.with_name("aplay.arguments").read_text(encoding="utf-8")


def test_a_player_that_fails_is_told_by_its_name(player: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATUS", "3")
    sink = open_sink(None, "wav")
    sink.write(wav_of(b"\1\2" * 100))
    with pytest.raises(ModelFailed, match=r"aplay failed with status 3"):
        sink.close(None)


def test_without_any_player_the_advice_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(playback, "_sound_device", lambda: None)
    assert find_loudspeaker() is None
    with pytest.raises(ModelNotReady, match=r"syrinx-tts\[play\].*-o"):
        open_sink(None, "wav")
