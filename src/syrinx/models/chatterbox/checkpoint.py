"""A folder of published files: which model it holds, whether they are whole, and what tells them from others.

File names are those of the repositories ``ResembleAI/chatterbox`` and ``ResembleAI/chatterbox-turbo``, as the
``from_local`` functions of chatterbox-tts 0.1.7 read them.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syrinx.core.errors import ModelNotReady

from .options import Variant

REMEDY = "syrinx models install chatterbox"
CONDITIONALS = "conds.pt"
CANGJIE = "Cangjie5_TC.json"
MAX_HEADER_BYTES = 100_000_000
"""Of a safetensors file; the format's own bound."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of a variant; where two are named, the first that is there counts."""

    t3: str
    s3gen: tuple[str, ...]
    voice_encoder: tuple[str, ...]
    tokenizer: tuple[str, ...]


LAYOUTS: Mapping[Variant, Layout] = {
    "english": Layout("t3_cfg.safetensors", ("s3gen.safetensors",), ("ve.safetensors",), ("tokenizer.json",)),
    "multilingual": Layout(
        "t3_mtl23ls_v2.safetensors",
        ("s3gen.pt", "s3gen.safetensors"),
        ("ve.pt", "ve.safetensors"),
        ("grapheme_mtl_merged_expanded_v1.json",),
    ),
    "turbo": Layout(
        "t3_turbo_v1.safetensors",
        ("s3gen_meanflow.safetensors",),
        ("ve.safetensors",),
        ("tokenizer_config.json",),
    ),
}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Files that are there, of one variant."""

    variant: Variant
    folder: Path
    t3: Path
    s3gen: Path
    voice_encoder: Path
    tokenizer: Path
    conditionals: Path
    identity: str
    """Changes with any of them: of sizes and, where they say what they hold, headers."""


def find(weights: str, variant: str) -> Checkpoint:
    """Look into the folder. Raises ``ModelNotReady`` naming the file that is missing or broken, and the remedy."""
    folder = Path(weights or ".")
    if not weights or not folder.is_dir():
        raise ModelNotReady(f"The weights of the model chatterbox ({weights or 'no folder'}) are not here: {REMEDY}")
    chosen = _variant(folder, variant)
    layout = LAYOUTS[chosen]
    t3, s3gen, encoder, tokenizer, conditionals = files = [
        _there(folder, names)
        for names in ((layout.t3,), layout.s3gen, layout.voice_encoder, layout.tokenizer, (CONDITIONALS,))
    ]
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.name} {path.stat().st_size}\n".encode())
        digest.update(_header(path) if path.suffix == ".safetensors" else _looked_at(path))
    return Checkpoint(chosen, folder, t3, s3gen, encoder, tokenizer, conditionals, digest.hexdigest()[:16])


def _variant(folder: Path, asked: str) -> Variant:
    for name, layout in LAYOUTS.items():
        if asked == name or (asked == "auto" and (folder / layout.t3).exists()):
            return name
    known = ", ".join(layout.t3 for layout in LAYOUTS.values())
    raise ModelNotReady(f"{folder} holds no Chatterbox: none of {known} is in it: {REMEDY}")


def _there(folder: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise ModelNotReady(f"{folder / names[-1]} is missing: {REMEDY}")


def _header(path: Path) -> bytes:
    """Return the header of a safetensors file that is whole."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or not 2 <= length <= min(size - 8, MAX_HEADER_BYTES):
            raise broken(path, "it is no safetensors file" + (" but a pickle" if _pickled(path) else ""))
        header = file.read(length)
    try:
        tensors: dict[str, Any] = json.loads(header)
        ends = [entry["data_offsets"][1] for name, entry in tensors.items() if name != "__metadata__"]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        raise broken(path, "it is no safetensors file") from None
    if max(ends, default=0) != size - 8 - length:
        raise broken(path, "it is truncated")
    return header


def _looked_at(path: Path) -> bytes:
    """Return what tells a small or foreign file: all of a small one, the list of contents of an archive."""
    if path.suffix != ".pt":
        return path.read_bytes()
    try:
        with zipfile.ZipFile(path) as archive:
            return repr([(entry.filename, entry.CRC) for entry in archive.infolist()]).encode()
    except (zipfile.BadZipFile, OSError):
        raise broken(path, "it is truncated, or no file of torch") from None


def _pickled(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4)[:2] in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def broken(path: Path, why: str) -> ModelNotReady:
    """An error about one file."""
    return ModelNotReady(f"{path} cannot be used: {why}. Get it anew: {REMEDY}")
