"""Looks at a safetensors file before a library does: whether it is one, is whole, and which one it is. No libraries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syrinx.core.errors import ModelNotReady

from .mirror import REMEDY

MAX_HEADER_BYTES = 100_000_000
"""As the safetensors library allows."""
SAMPLES, SAMPLE_BYTES = 16, 4096
"""Pieces of the values that tell apart checkpoints of one shape."""
PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
"""How torch.save's archives and bare pickles begin (zip; opcode PROTO and its number)."""


@dataclass(frozen=True, slots=True)
class TensorFile:
    """What a file says of itself."""

    tensors: Mapping[str, tuple[str, tuple[int, ...]]]
    """Kind of numbers (safetensors' word) and shape by name."""
    identity: str
    """Hexadecimal; differs between files of different content, as far as a look at parts of it shows."""


def look_at(path: Path) -> TensorFile:
    """Read the header and samples of the values. Raises ``ModelNotReady`` naming the file and what is wrong with it."""
    try:
        return _look_at(path)
    except OSError as error:
        raise ModelNotReady(f"{path} cannot be read: {error.strerror or error}. {REMEDY}") from None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise ModelNotReady(f"{path} is no safetensors file. {REMEDY}") from None


def _look_at(path: Path) -> TensorFile:
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        if start.startswith(PICKLES):
            raise ModelNotReady(
                f"{path} is a pickle, which could run any program when it is read, and is refused. {REMEDY} brings "
                "safetensors."
            )
        length = int.from_bytes(start, "little")
        if len(start) < 8 or length > MAX_HEADER_BYTES:
            raise ValueError
        head = file.read(length)
        if len(head) < length:
            raise _truncated(path)
        header: dict[str, Any] = json.loads(head)
        header.pop("__metadata__", None)
        end = max((entry["data_offsets"][1] for entry in header.values()), default=0)
        if size < 8 + length + end:
            raise _truncated(path)
        digest = hashlib.sha256(f"{size}\n".encode() + head)
        for sample in range(SAMPLES):
            file.seek(8 + length + (end * sample) // SAMPLES)
            digest.update(file.read(SAMPLE_BYTES))
    tensors = {name: (str(entry["dtype"]), tuple(entry["shape"])) for name, entry in header.items()}
    return TensorFile(tensors, digest.hexdigest())


def _truncated(path: Path) -> ModelNotReady:
    return ModelNotReady(f"{path} is truncated: its download broke off. Remove it, then: {REMEDY}")
