"""What lies in a folder of weights: whole safetensors, JSON objects, and what tells one checkpoint from another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syrinx.core.errors import ModelNotReady

WEIGHTS = "model.safetensors"
MAX_JSON_BYTES = 50_000_000
SAMPLES, SAMPLED_BYTES = 16, 1 << 16
"""Pieces of each weight file that count for the digest, beside its header: trainings of one shape differ there."""


@dataclass(frozen=True, slots=True)
class Files:
    """Reads the files of one model; each flaw is a ``ModelNotReady`` that names the file and the remedy."""

    title: str
    """Of the model."""
    remedy: str
    """A command."""

    def wrong(self, path: Path, why: str) -> ModelNotReady:
        """The error that names a file and the remedy."""
        return ModelNotReady(f"{self.title} cannot be loaded: {path}: {why}. Remedy: {self.remedy}")

    def folder(self, weights: str, names: Iterable[str]) -> Path:
        """The folder of the weights, which has these files."""
        folder = Path(weights)
        if not weights or not folder.is_dir():
            raise self.wrong(folder, "it is not a folder on this machine")
        for name in names:
            if not (folder / name).is_file():
                raise self.wrong(folder / name, "it is missing")
        return folder

    def weight_files(self, folder: Path) -> list[Path]:
        """The weight files, each whole: one, or those that an index lists."""
        whole, index = folder / WEIGHTS, folder / f"{WEIGHTS}.index.json"
        parts = [whole] if whole.is_file() else self._listed(whole, index)
        for part in parts:
            self.check_whole(part)
        return parts

    def _listed(self, whole: Path, index: Path) -> list[Path]:
        if not index.is_file():
            pickles = sorted(path.name for path in whole.parent.iterdir() if path.suffix in (".bin", ".pt", ".pth"))
            why = f"it is missing; {pickles[0]} is a pickle and is not read" if pickles else "it is missing"
            raise self.wrong(whole, why)
        listed = self.read_object(index).get("weight_map")
        if not isinstance(listed, dict) or not listed:
            raise self.wrong(index, "it lists no files")
        parts = [whole.parent / Path(name).name for name in sorted({str(name) for name in listed.values()})]
        for part in parts:
            if not part.is_file():
                raise self.wrong(part, "it is missing")
        return parts

    def check_whole(self, path: Path) -> dict[str, Any]:
        """Return a safetensors file's header, which says how long the file is: refuse one that is not."""
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(8)
            length = int.from_bytes(start, "little")
            if size < 8 or length > min(size - 8, MAX_JSON_BYTES):
                if start[:2] == b"PK" or start[:1] == b"\x80":
                    raise self.wrong(path, "it is a pickle, which could run anything, and not safetensors")
                raise self.wrong(path, "it is no safetensors file, or was cut short")
            try:
                listed: dict[str, Any] = json.loads(file.read(length))
                end = max(entry["data_offsets"][1] for name, entry in listed.items() if name != "__metadata__")
            except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
                raise self.wrong(path, "it is no safetensors file") from None
        if size != 8 + length + end:
            raise self.wrong(path, f"it has {size} bytes where its header says {8 + length + end}")
        return listed

    def read_object(self, path: Path) -> dict[str, Any]:
        """A file's JSON object."""
        try:
            with path.open("rb") as file:
                read: Any = json.loads(file.read(MAX_JSON_BYTES))
        except (OSError, ValueError, RecursionError) as error:
            raise self.wrong(path, f"it cannot be read ({str(error)[:100]})") from None
        if not isinstance(read, dict):
            raise self.wrong(path, "it holds no JSON object")
        return read


def digest_of(files: Iterable[Path]) -> str:
    """Changes with names, sizes and content; of safetensors the header and samples of the rest count."""
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
