"""What waits to be written: bounded, filled from any thread, emptied in batches, given back where a write failed."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from .rows import IndexRow, JobRow

MAX_JOBS = 10_000
"""Utterances that may wait (about 5 MB); later ones are dropped and counted."""
MAX_CHANGES = 50_000
"""Changed cache entries that may wait, likewise. The cache mends an index that lost some when it is next opened."""
BATCH = 500
"""Most of each kind in one transaction."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What goes into one transaction."""

    jobs: tuple[JobRow, ...]
    index: Mapping[str, IndexRow | None]
    """Cache entries as they are now by key; None: gone."""

    @property
    def size(self) -> int:
        return len(self.jobs) + len(self.index)

    @property
    def full(self) -> bool:
        """Whether more may wait already."""
        return max(len(self.jobs), len(self.index)) >= BATCH


class Backlog:
    """Thread-safe; nothing in it waits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: deque[JobRow] = deque()
        self._index: dict[str, IndexRow | None] = {}
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """Rows that were lost, since the start."""
        return self._dropped

    def add_job(self, row: JobRow) -> bool:
        """Take an ended utterance. True: nothing else waited."""
        with self._lock:
            first = not self._jobs and not self._index
            if len(self._jobs) < MAX_JOBS:
                self._jobs.append(row)
            else:
                self._dropped += 1
            return first

    def change_index(self, key: str, row: IndexRow | None) -> bool:
        """Take a cache entry's new state; None: gone. True: nothing else waited."""
        with self._lock:
            first = not self._jobs and not self._index
            if key in self._index or len(self._index) < MAX_CHANGES:
                self._index[key] = row
            else:
                self._dropped += 1
            return first

    def take(self) -> Batch:
        """Remove and return the oldest that waits, at most ``BATCH`` of each kind."""
        with self._lock:
            jobs = tuple(self._jobs.popleft() for _ in range(min(BATCH, len(self._jobs))))
            keys = list(islice(self._index, BATCH))
            return Batch(jobs, {key: self._index.pop(key) for key in keys})

    def give_back(self, batch: Batch) -> None:
        """Put back what could not be written, before what came since; a newer state of an entry stays."""
        with self._lock:
            self._jobs.extendleft(reversed(batch.jobs))
            while len(self._jobs) > MAX_JOBS:
                self._jobs.pop()
                self._dropped += 1
            self._index = {**batch.index, **self._index}

    def lose(self, batch: Batch) -> None:
        """Count a batch that the database will never take."""
        with self._lock:
            self._dropped += batch.size

    def lose_rest(self) -> int:
        """Count what still waits, which nobody will write any more; return how much is lost in all."""
        with self._lock:
            self._dropped += len(self._jobs) + len(self._index)
            self._jobs.clear()
            self._index.clear()
            return self._dropped
