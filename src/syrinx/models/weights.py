"""Which published files a model is loaded from, as data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Weights:
    """One checkpoint of a model."""

    repo: str
    """``org/name`` on the hub."""
    size_bytes: int
    """Of what is fetched, for people and for the room it needs."""
    licence: str
    """SPDX identifier, or the licence's own name."""
    files: tuple[str, ...] = ()
    """Patterns of the files that are needed, each of at least one; empty: all."""
    note: str = ""
    """What sets it apart from the model's other checkpoints."""
    parts: tuple[Weights, ...] = ()
    """Other checkpoints that it cannot do without, such as a neural codec of its own."""
    named_by: str = ""
    """Beside ``weights``, the option that names a folder of it, which is then taken instead."""


def wanted(name: str, files: Sequence[str]) -> bool:
    """Whether a file (its path in the repository) fits one of the patterns; ``*`` takes slashes too."""
    return not files or any(fnmatchcase(name, pattern) for pattern in files)


def absent_of(names: Iterable[str], files: Sequence[str]) -> list[str]:
    """The patterns that none of the names fits."""
    there = list(names)
    return [pattern for pattern in files if not any(fnmatchcase(name, pattern) for name in there)]


def absent(folder: Path, files: Sequence[str]) -> list[str]:
    """The patterns that no file in the folder fits."""
    if not files:
        return []
    return absent_of((path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()), files)
