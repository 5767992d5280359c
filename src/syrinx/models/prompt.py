"""Voice prompts as files: what a model derived from a reference clip, as safetensors and never as a pickle.

The file names the model and revision that made it and carries the digest of its tensors. ``PromptCache`` is how a
backend reads the one that a job names.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syrinx.core.errors import InvalidRequest, VoiceNotFound
from syrinx.core.types import VoicePrompt

from .base import Tensors

FORMAT = "syrinx-voice-prompt-1"
MAX_PROMPT_BYTES = 64_000_000
"""Of a file: a key-value cache of 30 s of speech takes some 20 MB (6 layers of 1024 floats, 12.5 times a second)."""
MAX_HEADER_BYTES = 100_000
"""Of its JSON header: some 500 tensors."""
MAX_LABEL_CHARS = 200
"""Of a model's name or revision."""
KINDS = "fiub"
"""Kinds of numbers (NumPy's letters): floats, integers, booleans."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A voice prompt as read."""

    model: str
    revision: str
    tensors: Tensors


def encode_prompt(model: str, revision: str, tensors: Tensors) -> bytes:
    """Return the file's bytes.

    Raises ``InvalidRequest`` (``bad_prompt``) for what is no array of numbers, and for too much.
    """
    from safetensors.numpy import save

    arrays = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    if not arrays or any(array.dtype.kind not in KINDS for array in arrays.values()):
        raise _bad("it must hold arrays of numbers")
    if sum(array.nbytes for array in arrays.values()) > MAX_PROMPT_BYTES - MAX_HEADER_BYTES:
        raise _bad(f"it is over the limit of {MAX_PROMPT_BYTES} bytes")
    metadata = {"format": FORMAT, "model": model, "revision": revision, "sha256": _digest_of(arrays)}
    data = _with_metadata(save(arrays), metadata)
    decode_prompt(data)  # whoever makes one that cannot be read should learn it now
    return data


def decode_prompt(data: bytes) -> Prompt:
    """Read a file. Total: raises ``InvalidRequest`` (``bad_prompt``) for any bytes that are not such a file, whole."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    said = _metadata(data)
    try:
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise _bad(f"it is no safetensors file: {str(error)[:200]}") from None
    if not tensors or any(array.dtype.kind not in KINDS for array in tensors.values()):
        raise _bad("it holds no arrays of numbers")
    if _digest_of(tensors) != said["sha256"]:
        raise _bad("its tensors are not those that were written")
    return Prompt(said["model"], said["revision"], tensors)


def _with_metadata(data: bytes, metadata: dict[str, str]) -> bytes:
    """Put it into the header; the library would in an order that changes from call to call, and so the digest."""
    length = int.from_bytes(data[:8], "little")
    header = json.dumps({"__metadata__": metadata, **json.loads(data[8 : 8 + length])}).encode()
    header += b" " * (-len(header) % 8)  # tensors are aligned to 8 bytes
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


def _metadata(data: bytes) -> dict[str, str]:
    """Return what the header says of the whole file: ``model``, ``revision``, ``sha256``."""
    if len(data) > MAX_PROMPT_BYTES:
        raise _bad(f"it has {len(data)} bytes; the limit is {MAX_PROMPT_BYTES}")
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(MAX_HEADER_BYTES, len(data) - 8):
        raise _bad("it is no safetensors file")
    try:
        header: Any = json.loads(data[8 : 8 + length])
        said: Any = header["__metadata__"]
        labels = {name: said[name] for name in ("format", "model", "revision", "sha256")}
    except (ValueError, KeyError, TypeError, RecursionError):
        raise _bad("it does not say which model made it") from None
    if labels["format"] != FORMAT or not all(isinstance(v, str) and len(v) <= MAX_LABEL_CHARS for v in labels.values()):
        raise _bad(f"it is not of the format {FORMAT}")
    if not all(v.isprintable() for v in labels.values()):
        raise _bad("the name of its model is not printable")
    return labels


def _digest_of(tensors: Mapping[str, NDArray[np.generic]]) -> str:
    """SHA-256 of names, kinds, shapes and values, in the order of names."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(json.dumps([name, array.dtype.str, array.shape]).encode())
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _bad(why: str) -> InvalidRequest:
    return InvalidRequest(f"The voice prompt cannot be used: {why}.", code="bad_prompt")


class PromptCache:
    """Prompts by digest, the last used kept: at most ``most`` of them and ``most_bytes`` in all. For one thread."""

    def __init__(self, most: int = 64, most_bytes: int = 512_000_000) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._kept: OrderedDict[str, tuple[Prompt, int]] = OrderedDict()

    def load(self, prompt: VoicePrompt, model: str) -> Prompt:
        """Return the prompt that a job for ``model`` names.

        Raises ``VoiceNotFound`` where its file is gone (also if it was read before: the voice was deleted), and
        ``InvalidRequest`` (``bad_prompt``) where it was changed, is no prompt, or is another model's.
        """
        try:
            found = os.stat(prompt.path, follow_symlinks=False)
            kept = self._kept.get(prompt.digest) or self._read(prompt, found)
        except OSError:
            raise VoiceNotFound("The voice was deleted.", param="voice") from None
        self._keep(prompt.digest, kept)
        if kept[0].model != model:
            raise _bad(f"it was made by the model {kept[0].model}, not by {model}")
        return kept[0]

    def _read(self, prompt: VoicePrompt, found: os.stat_result) -> tuple[Prompt, int]:
        if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_PROMPT_BYTES:
            raise _bad("its file is not a plain file, or too large")
        with open(prompt.path, "rb") as file:
            data = file.read(MAX_PROMPT_BYTES + 1)
        if hashlib.sha256(data).hexdigest() != prompt.digest:
            raise _bad("its file was changed")
        return decode_prompt(data), len(data)

    def _keep(self, digest: str, kept: tuple[Prompt, int]) -> None:
        self._kept[digest] = kept
        self._kept.move_to_end(digest)
        while len(self._kept) > self._most or (len(self._kept) > 1 and self.size > self._most_bytes):
            self._kept.popitem(last=False)

    @property
    def size(self) -> int:
        """Bytes of the files that are kept."""
        return sum(size for _, size in self._kept.values())
