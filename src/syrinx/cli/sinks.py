"""Where audio goes: a file, standard output, or the loudspeaker."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Protocol

from syrinx.core.types import AudioFormat

from .playback import Player, need_loudspeaker
from .wav import MAX_HEADER_BYTES, parse_header

STDOUT = Path("-")


class Sink(Protocol):
    """Takes one stream of encoded audio."""

    def write(self, data: bytes) -> None: ...

    def close(self, samples: int | None) -> None:
        """Everything was written; so many samples, where that is known."""
        ...

    def abandon(self) -> None:
        """The stream broke: leave nothing half done behind."""
        ...


def open_sink(output: Path | None, container: str) -> Sink:
    """The sink for ``-o output`` (None: the loudspeaker, which takes wav). Raises ``OSError``, ``ModelNotReady``."""
    if output is None:
        return SpeakerSink()
    if output == STDOUT or (output.exists() and not output.is_file()):
        return StreamSink(sys.stdout.buffer) if output == STDOUT else DeviceSink(output.open("wb"))
    return FileSink(output, container)


class FileSink:
    """A file that appears under its name when it is whole, with true lengths in its header."""

    def __init__(self, path: Path, container: str) -> None:
        self._path = path
        self._container = container
        self._part = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._file = self._part.open("w+b")

    def write(self, data: bytes) -> None:
        self._file.write(data)

    def close(self, samples: int | None) -> None:
        self._seal(samples)
        self._file.close()
        self._part.replace(self._path)

    def _seal(self, samples: int | None) -> None:
        """Complete a header that was streamed before its length was known; only head and tail are touched."""
        from syrinx.audio.encode import seal

        size = self._file.seek(0, os.SEEK_END)
        self._file.seek(0)
        head = self._file.read(MAX_HEADER_BYTES)
        if samples is None and (header := parse_header(head) if self._container == "wav" else None) is not None:
            samples = header.samples_in(size)
        if samples is not None:
            sealed = seal(AudioFormat(self._container), head, samples)
            self._file.seek(0)
            self._file.write(sealed[: len(head)])
            self._file.seek(0, os.SEEK_END)
            self._file.write(sealed[len(head) :])

    def abandon(self) -> None:
        self._file.close()
        self._part.unlink(missing_ok=True)


def save_wav(path: Path, pieces: Iterable[bytes], sample_rate: int) -> None:
    """Write 16-bit little-endian mono as a WAV file, which appears when it is whole. Raises ``OSError``."""
    from syrinx.audio.encode.wav import PCM, WavLayout

    sink = FileSink(path, "wav")
    try:
        sink.write(WavLayout(PCM, 2).header(sample_rate, None))
        for piece in pieces:
            sink.write(piece)
        sink.close(None)
    except BaseException:
        sink.abandon()
        raise


class StreamSink:
    """Standard output: every piece leaves at once."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self._file.flush()

    def close(self, samples: int | None) -> None:
        self._file.flush()

    def abandon(self) -> None:
        """What was written cannot be taken back."""


class DeviceSink(StreamSink):
    """A named pipe or a device, opened for this stream alone."""

    def close(self, samples: int | None) -> None:
        self._file.close()

    def abandon(self) -> None:
        self._file.close()


class SpeakerSink:
    """Plays a wav stream as it comes."""

    def __init__(self) -> None:
        self._speaker = need_loudspeaker()
        self._head = b""
        self._player: Player | None = None

    def write(self, data: bytes) -> None:
        if self._player is not None:
            self._player.write(data)
            return
        self._head += data
        header = parse_header(self._head)
        if header is not None:
            self._player = self._speaker.open(header.sample_rate)
            self._player.write(self._head[header.size :])

    def close(self, samples: int | None) -> None:
        if self._player is not None:
            self._player.close()

    def abandon(self) -> None:
        """Let what was played fade: the process ends now."""
