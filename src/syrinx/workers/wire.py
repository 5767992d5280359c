"""Framing between server and worker: a 4-byte little-endian length, then one msgpack message. Sans-IO and total.

Audio travels inside a message as raw bytes: copied once into the frame, and read from it in place.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

import msgspec
import numpy as np

from syrinx.core.types import Samples

from .messages import FromWorker, Message, Output, ToWorker

MAX_FRAME_BYTES = 16 * 1024 * 1024
"""Longest message: a million samples (``MAX_SAMPLES``) or the longest text fit many times over."""
MAX_SAMPLES = 1_000_000
"""Most samples of one ``Output``; longer chunks are sent in pieces."""
_LENGTH = struct.Struct("<I")
_Heard = TypeVar("_Heard")


class WireError(Exception):
    """The other side sent something that is no message, or this side has one that cannot be sent."""


class Encoder:
    """Messages to bytes. Not for use by two threads at once."""

    def __init__(self) -> None:
        self._encoder = msgspec.msgpack.Encoder()

    def encode(self, messages: Iterable[Message]) -> bytearray:
        """Return all frames in one piece, for one write.

        Raises ``WireError`` for a message over ``MAX_FRAME_BYTES`` or with a value that msgpack has no form for.
        """
        frames = bytearray()
        for message in messages:
            start = len(frames)
            try:
                self._encoder.encode_into(message, frames, start + _LENGTH.size)
            except (TypeError, ValueError, OverflowError, RecursionError) as error:
                raise WireError(f"{type(message).__name__} cannot be sent: {error}") from None
            length = len(frames) - start - _LENGTH.size
            if length > MAX_FRAME_BYTES:
                raise WireError(f"{type(message).__name__} of {length} bytes is over the limit of {MAX_FRAME_BYTES}.")
            _LENGTH.pack_into(frames, start, length)
        return frames


class Decoder(Generic[_Heard]):
    """Bytes, in pieces of any size, to messages of one direction."""

    def __init__(self, heard: Any) -> None:
        self._decoder: msgspec.msgpack.Decoder[_Heard] = msgspec.msgpack.Decoder(heard)
        self._pieces: list[bytes] = []
        self._have = 0
        self._need = _LENGTH.size

    @property
    def buffered(self) -> int:
        """Bytes of an unfinished frame; never more than a frame and one piece."""
        return self._have

    def feed(self, data: bytes) -> list[_Heard]:
        """Return every message that is complete now. Views in them share memory with ``data``: copy what you keep.

        Raises ``WireError``, after which the stream has no meaning any more.
        """
        self._pieces.append(data)
        self._have += len(data)
        if self._have < self._need:
            return []
        buffer = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        messages: list[_Heard] = []
        view, start = memoryview(buffer), 0
        while (body := self._frame_at(view, start)) is not None:
            start += self._need
            messages.append(self._parse(body))
        rest = buffer[start:]
        self._pieces = [rest] if rest else []
        self._have = len(rest)
        return messages

    def _frame_at(self, view: memoryview, start: int) -> memoryview | None:
        """Return the body of the frame that begins there, or None; either way ``_need`` is what the frame takes."""
        self._need = _LENGTH.size
        if len(view) - start < self._need:
            return None
        (length,) = _LENGTH.unpack_from(view, start)
        if length > MAX_FRAME_BYTES:
            raise WireError(f"A frame of {length} bytes is over the limit of {MAX_FRAME_BYTES}.")
        self._need += length
        if len(view) - start < self._need:
            return None
        return view[start + _LENGTH.size : start + self._need]

    def _parse(self, body: memoryview) -> _Heard:
        try:
            return self._decoder.decode(body)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise WireError(f"A frame is no message: {error}") from None


def worker_side() -> Decoder[ToWorker]:
    """Return the decoder of a worker."""
    return Decoder(ToWorker)


def server_side() -> Decoder[FromWorker]:
    """Return the decoder of the server."""
    return Decoder(FromWorker)


def audio_bytes(samples: Samples) -> memoryview:
    """Return the bytes of contiguous, non-empty float32 ``samples``, without a copy."""
    return samples.data.cast("B")


def samples_of(output: Output) -> Samples | None:
    """Return the audio of ``output`` as an array of its own, or None. Raises ``WireError`` for a broken length."""
    if output.samples is None:
        return None
    if output.samples.nbytes % 4:
        raise WireError(f"Audio of {output.samples.nbytes} bytes is not float32.")
    return np.frombuffer(output.samples, np.float32).copy()  # alone, aligned, and not holding on to the whole read
