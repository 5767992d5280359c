"""Audio for the tests of the cache."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from syrinx.core.types import AudioChunk, Mark, MarkKind, Span
from syrinx.store.rows import IndexRow

RATE = 24_000
T = TypeVar("T")


def speech(*seconds: float, seed: int = 0) -> tuple[AudioChunk, ...]:
    """Chunks of these lengths, a mark in each, unlike those of any other seed."""
    draw = np.random.default_rng(seed)
    return tuple(
        AudioChunk(
            draw.uniform(-1, 1, round(length * RATE)).astype(np.float32),
            RATE,
            (Mark(MarkKind.WORD, Span(number, number + 1), 0.0, length, name=str(seed)),),
        )
        for number, length in enumerate(seconds)
    )


def same(one: Sequence[AudioChunk] | None, other: Sequence[AudioChunk]) -> bool:
    """Alike to the last bit, in the same pieces."""
    return one is not None and [
        (chunk.samples.tobytes(), chunk.sample_rate if len(other) else 0, chunk.marks) for chunk in one
    ] == [(chunk.samples.tobytes(), chunk.sample_rate, chunk.marks) for chunk in other]


class MemoryBlobs:
    """Files that outlive a cache, and a disk that fails when told to."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.full = False
        self.broken = False
        self.most = 0
        """Most bytes that were ever there at once."""
        self.reads = 0
        self.quick = False
        """Files can be had without a wait."""
        self.gate: asyncio.Event | None = None
        """Reads and writes wait for it."""

    async def sizes(self) -> dict[str, int]:
        if self.broken:
            raise OSError("no such disk")
        return {name: len(data) for name, data in self.files.items()}

    async def put(self, name: str, data: bytes) -> None:
        await self._pause()
        if self.full:
            raise OSError(28, "No space left on device")
        self.files[name] = data
        self.most = max(self.most, sum(map(len, self.files.values())))

    def glance(self, name: str, size: int) -> bytes | None:
        data = self.files.get(name)
        return data if self.quick and data is not None and len(data) == size else None

    async def read(self, name: str, decode: Callable[[bytes], T]) -> T:
        self.reads += 1
        await self._pause()
        if self.broken:
            raise OSError("no such disk")
        if name not in self.files:
            raise FileNotFoundError(name)
        return decode(self.files[name])

    async def delete(self, name: str) -> None:
        await self._pause()
        self.files.pop(name, None)

    async def _pause(self) -> None:
        await asyncio.sleep(0)
        if self.gate is not None:
            await self.gate.wait()


class Ledger:
    """The index as the database has it: what the cache told, up to a crash."""

    def __init__(self) -> None:
        self.rows: dict[str, IndexRow] = {}

    def change(self, key: str, row: IndexRow | None) -> None:
        if row is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = row

    def by_age(self) -> list[IndexRow]:
        return sorted(self.rows.values(), key=lambda row: row.used_at)
