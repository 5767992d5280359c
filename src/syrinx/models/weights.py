"""Which published files a model is loaded from, as data."""

from __future__ import annotations

from dataclasses import dataclass


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
    """Patterns of the files that are needed; empty: all."""
    note: str = ""
    """What sets it apart from the model's other checkpoints."""
