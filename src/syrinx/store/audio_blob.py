"""A job's audio as one file: a checksum, a head that tells the pieces, and their samples. Pure, and fit for a thread.

8 bytes   magic and version
32 bytes  SHA-256 of all that follows
4 bytes   length of the head, little-endian
...       the head: MessagePack of ``_Head``
...       float32 samples, little-endian
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence

import msgspec
import numpy as np

from syrinx.core.types import AudioChunk, Mark

MAGIC = b"SYRXAUD1"
_LENGTH = struct.Struct("<I")
_CHECKED_FROM = len(MAGIC) + hashlib.sha256().digest_size


class CorruptBlob(Exception):
    """The file is torn, changed, or another's."""


class _Piece(msgspec.Struct, array_like=True):
    samples: int
    marks: tuple[Mark, ...]


class _Head(msgspec.Struct, array_like=True):
    key: str
    sample_rate: int
    pieces: tuple[_Piece, ...]


def encode_blob(key: str, chunks: Sequence[AudioChunk]) -> bytes:
    """Return the file's content. All chunks must have one sample rate."""
    pieces = tuple(_Piece(len(chunk.samples), chunk.marks) for chunk in chunks)
    rate = chunks[0].sample_rate if chunks else 0
    head = msgspec.msgpack.encode(_Head(key, rate, pieces))
    parts = [_LENGTH.pack(len(head)), head]
    parts += [chunk.samples.astype("<f4", copy=False).tobytes() for chunk in chunks]
    body = b"".join(parts)
    return MAGIC + hashlib.sha256(body).digest() + body


def decode_blob(key: str, blob: bytes) -> tuple[AudioChunk, ...]:
    """Return what ``encode_blob`` was given for this key, sample for sample. Raises ``CorruptBlob``."""
    body = memoryview(blob)[_CHECKED_FROM:]
    if blob[: len(MAGIC)] != MAGIC or blob[len(MAGIC) : _CHECKED_FROM] != hashlib.sha256(body).digest():
        raise CorruptBlob("The checksum is wrong.")
    try:
        (length,) = _LENGTH.unpack_from(body)
        head = msgspec.msgpack.decode(body[_LENGTH.size : _LENGTH.size + length], type=_Head)
        samples = np.frombuffer(body[_LENGTH.size + length :], "<f4").astype(np.float32)  # a copy: aligned
    except (struct.error, msgspec.MsgspecError, ValueError) as error:
        raise CorruptBlob(f"It has no head: {error}.") from None
    if head.key != key or sum(piece.samples for piece in head.pieces) != len(samples):
        raise CorruptBlob("It is another's.")
    samples.flags.writeable = False  # many may listen to it
    chunks: list[AudioChunk] = []
    start = 0
    for piece in head.pieces:
        chunks.append(AudioChunk(samples[start : start + piece.samples], head.sample_rate, piece.marks))
        start += piece.samples
    return tuple(chunks)
