"""The flight recorder of a worker: which jobs the model is at work on, in a small file that outlives the process.

Written before every step by a memory copy (no system call), so that the jobs which may have killed a worker are known.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Sequence
from pathlib import Path

import msgspec

SIZE = 65536
"""Bytes of the file: room for about 2000 job ids of 30 characters."""
_LENGTH = struct.Struct("<I")


class BlackBox:
    """The worker's end."""

    def __init__(self, path: Path) -> None:
        """Map the file, which ``create`` has made. Raises ``OSError``."""
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), SIZE)
        self._encoder = msgspec.msgpack.Encoder()

    def begin(self, job_ids: Sequence[str]) -> None:
        """Note that the model begins to work on these jobs. More than fit are noted as far as they fit."""
        note = self._encoder.encode(job_ids)
        while len(note) > SIZE - _LENGTH.size:
            job_ids = job_ids[: len(job_ids) // 2]
            note = self._encoder.encode(job_ids)
        self.end()
        self._map[_LENGTH.size : _LENGTH.size + len(note)] = note
        _LENGTH.pack_into(self._map, 0, len(note))

    def end(self) -> None:
        """Note that the model is at work on none."""
        _LENGTH.pack_into(self._map, 0, 0)

    def close(self) -> None:
        self._map.close()


def create(path: Path) -> None:
    """Make an empty box, for the worker to open. Raises ``OSError``."""
    path.write_bytes(bytes(SIZE))


def read(path: Path) -> tuple[str, ...]:
    """Return the jobs that were being worked on when the worker died; none where the file is gone or torn."""
    try:
        data = path.read_bytes()
        (length,) = _LENGTH.unpack_from(data)
        if length == 0:
            return ()
        return msgspec.msgpack.decode(data[_LENGTH.size : _LENGTH.size + length], type=tuple[str, ...])
    except (OSError, struct.error, msgspec.MsgspecError, ValueError):
        return ()
