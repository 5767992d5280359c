"""A published checkpoint on disk: whether it is whole and of this model, and what tells it from others. Loads nothing.

Layout (that of the repository ``vibevoice/VibeVoice-1.5B-hf``, as transformers writes it): ``config.json``,
``processor_config.json``, ``tokenizer.json`` and its configuration, ``chat_template.jinja``, ``generation_config.json``
and ``model.safetensors`` or its parts with ``model.safetensors.index.json``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syrinx.core.errors import ModelNotReady

MODEL_TYPE = "vibevoice"
NEEDED = ("config.json", "processor_config.json", "tokenizer.json", "tokenizer_config.json")
WEIGHTS = "model.safetensors"
MAX_JSON_BYTES = 50_000_000
SAMPLES, SAMPLED_BYTES = 16, 1 << 16
"""Pieces of each weight file that count for the digest, beside its header: trainings of one shape differ there."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One that was found whole."""

    folder: Path
    config: Mapping[str, Any]
    digest: str
    """Changes with configuration, tokenizer, layout and weights."""


def read(weights: str) -> Checkpoint:
    """Look at the folder. Raises ``ModelNotReady`` naming the file that is missing or wrong, and the remedy."""
    folder = Path(weights)
    if not weights or not folder.is_dir():
        raise wrong(folder, "it is not a folder on this machine")
    for name in NEEDED:
        if not (folder / name).is_file():
            raise wrong(folder / name, "it is missing")
    config = _object(folder / "config.json")
    if config.get("model_type") != MODEL_TYPE:
        raise wrong(folder / "config.json", f"its model_type is {config.get('model_type')!r}, not {MODEL_TYPE!r}")
    if not isinstance(config.get("text_config"), dict):
        raise wrong(
            folder / "config.json",
            "it has no text_config: this is the layout of microsoft/VibeVoice-1.5B, which transformers does not read; "
            "vibevoice/VibeVoice-1.5B-hf has the same weights in its own",
        )
    parts = _parts(folder)
    for part in parts:
        _check_whole(part)
    return Checkpoint(folder, config, _digest([*(folder / name for name in NEEDED), *parts]))


def wrong(path: Path, why: str) -> ModelNotReady:
    """The error that names a file and the remedy."""
    return ModelNotReady(f"VibeVoice cannot be loaded: {path}: {why}. Remedy: syrinx models install vibevoice")


def _parts(folder: Path) -> list[Path]:
    """The weight files: one, or those that an index lists."""
    whole, index = folder / WEIGHTS, folder / f"{WEIGHTS}.index.json"
    if whole.is_file():
        return [whole]
    if not index.is_file():
        pickles = sorted(path.name for path in folder.iterdir() if path.suffix in (".bin", ".pt", ".pth"))
        raise wrong(whole, f"it is missing; {pickles[0]} is a pickle and is not read" if pickles else "it is missing")
    listed = _object(index).get("weight_map")
    if not isinstance(listed, dict) or not listed:
        raise wrong(index, "it lists no files")
    parts = [folder / Path(name).name for name in sorted({str(name) for name in listed.values()})]
    for part in parts:
        if not part.is_file():
            raise wrong(part, "it is missing")
    return parts


def _check_whole(path: Path) -> None:
    """The header of a safetensors file says how long the file is."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = int.from_bytes(start, "little")
        if start[:2] == b"PK" or start[:1] == b"\x80":
            raise wrong(path, "it is a pickle, which could run anything, and not safetensors")
        if size < 8 or length > min(size - 8, MAX_JSON_BYTES):
            raise wrong(path, "it is no safetensors file, or was cut short")
        try:
            listed: dict[str, Any] = json.loads(file.read(length))
            end = max(entry["data_offsets"][1] for name, entry in listed.items() if name != "__metadata__")
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
            raise wrong(path, "it is no safetensors file") from None
    if size != 8 + length + end:
        raise wrong(path, f"it has {size} bytes where its header says {8 + length + end}")


def _object(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            read: Any = json.loads(file.read(MAX_JSON_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise wrong(path, f"it cannot be read ({str(error)[:100]})") from None
    if not isinstance(read, dict):
        raise wrong(path, "it holds no JSON object")
    return read


def _digest(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        size = path.stat().st_size
        digest.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as file:
            if path.suffix != ".safetensors":
                digest.update(file.read())
                continue
            start = 8 + int.from_bytes(file.read(8), "little")
            digest.update(file.read(start - 8))
            for sample in range(SAMPLES):
                file.seek(start + (size - start) * sample // SAMPLES)
                digest.update(file.read(SAMPLED_BYTES))
    return digest.hexdigest()[:16]
