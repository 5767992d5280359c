"""Voices that a model publishes as pickles: where what is made of them lies, and which files are made into what.

A pickle can run anything, so no server and no worker reads one. A command makes safetensors of them once, in a process
that can do nothing else (``ModelEntry.presets`` names who knows how); they lie in ``presets/`` beside the weights.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Protocol

from syrinx.core.errors import InvalidRequest

FOLDER, SUFFIX = "presets", ".safetensors"
PICKLES = (".pt", ".pth")
MAX_BYTES = 64_000_000
"""Of one pickle: published ones have 2 to 6 MB."""
MOST = 1000
"""Pickles in one folder."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class Converter(Protocol):
    """Makes safetensors of one pickle, in a process of its own."""

    def __call__(self, data: bytes, weights: Path, python: Path) -> bytes:
        """``weights``: the folder of the checkpoint that the voice is for; ``python``: of the model's environment.

        Raises ``InvalidRequest`` for what is no voice of that checkpoint, ``ModelNotReady`` where that cannot be seen.
        """
        ...


def made_in(weights: Path) -> list[Path]:
    """The voices of a checkpoint, by name."""
    return sorted(path for path in (weights / FOLDER).glob(f"*{SUFFIX}") if path.is_file())


def pickles_in(source: Path) -> list[Path]:
    """The pickles of a folder, those in folders below it too; or that one file. Raises ``InvalidRequest``."""
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise InvalidRequest(f"{source} is neither a folder nor a file.", param="source")
    found = sorted(path for path in source.rglob("*") if path.suffix in PICKLES and path.is_file())
    if not found:
        raise InvalidRequest(f"{source} has no presets (files named *{PICKLES[0]}).", param="source")
    if len(found) > MOST:
        raise InvalidRequest(f"{source} has {len(found)} presets; the limit is {MOST}.", param="source")
    return found


def convert(source: Path, weights: Path, python: Path, converter: Converter) -> Path:
    """Make a voice of a pickle and put it beside the weights; one of the same name is replaced.

    Raises ``InvalidRequest`` naming the file, ``ModelNotReady`` likewise.
    """
    if _NAME.fullmatch(source.stem) is None:
        raise InvalidRequest(f"{source.name[:100]!r} cannot be the name of a voice: letters, digits, - and _ alone.")
    with source.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise InvalidRequest(f"{source} has more than the {MAX_BYTES} bytes of a preset.")
    made = converter(data, weights, python)
    place = weights / FOLDER / f"{source.stem}{SUFFIX}"
    place.parent.mkdir(exist_ok=True)
    part = place.with_suffix(".part")
    part.write_bytes(made)
    os.replace(part, place)
    return place
