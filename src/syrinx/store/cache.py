"""The response cache: audio of jobs by what was asked for, on disk up to a bound, answered for from memory.

Lives on one event loop. Looking up takes microseconds; files are read, written and removed in the background, one
change after the other; the database learns of it later still.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from functools import partial

from syrinx.core.types import AudioChunk

from .audio_blob import CorruptBlob, decode_blob, encode_blob
from .blobs import Blobs
from .rows import IndexRow

_log = logging.getLogger("syrinx.store")

Chunks = tuple[AudioChunk, ...]
"""All audio of a job, in the pieces that the model made."""

MEMORY_BYTES = 4_000_000
"""Audio kept in memory too (40 s at 24 kHz), so that what is asked for often needs no disk."""
MEMORY_BLOB_BYTES = 500_000
"""Longer audio (5 s) is not kept in memory: its rest is read while its beginning plays."""
GLANCE_BYTES = 250_000
"""Files no longer than this (2.8 s at 22 kHz) are read without a thread where the system has them in memory: 0.25 ms of
work, of which the checksum is the most, and two changes of threads less."""
PENDING_BYTES = 16_000_000
"""Audio that may wait to be written; more is not kept."""
TOUCH_S = 60.0
"""The database learns of a use at most this often."""


@dataclass(slots=True)
class CacheCounts:
    """Since the start."""

    hits: int = 0
    """Jobs answered from the cache."""
    misses: int = 0
    """Jobs that the model made."""
    shared: int = 0
    """Jobs that listened to another's as it was made."""
    evictions: int = 0
    corrupt: int = 0
    """Files that were torn, changed or gone."""
    unwritten: int = 0
    """Audio that was not kept, because the disk failed or was too slow."""


@dataclass(frozen=True, slots=True)
class _Pending:
    chunks: Chunks
    prompt: str
    nbytes: int


class AudioCache:
    """Shut until ``open``, and after ``close``: then it holds nothing and keeps nothing."""

    def __init__(
        self,
        blobs: Blobs,
        max_bytes: int,
        changed: Callable[[str, IndexRow | None], None],
        *,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """``changed`` is told of every entry's new state, None when it is gone, and must not wait."""
        self._blobs = blobs
        self._max_bytes = max_bytes
        self._changed = changed
        self._wall_clock = wall_clock
        self._index: OrderedDict[str, IndexRow] = OrderedDict()
        """What is on disk, the longest unused first."""
        self._memory: OrderedDict[str, Chunks] = OrderedDict()
        self._memory_bytes = 0
        self._pending: OrderedDict[str, _Pending] = OrderedDict()
        self._pending_bytes = 0
        self._prompts: Collection[str] | None = None
        """Digests of the cloned voices that there are; None: nobody has told yet."""
        self._doomed: list[str] = []
        """Files to remove."""
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._worker: asyncio.Task[None] | None = None
        self._failing = False
        self._bytes = 0
        self.counts = CacheCounts()

    @property
    def is_open(self) -> bool:
        return self._worker is not None

    @property
    def stored_bytes(self) -> int:
        """On disk; never over the bound."""
        return self._bytes

    @property
    def entries(self) -> int:
        """On disk."""
        return len(self._index)

    async def open(self, rows: Iterable[IndexRow]) -> None:
        """Take over what an earlier run left. ``rows``: the index as the database has it, the longest unused first.

        Files that no row tells of are removed, rows without a file forgotten. Where the folder cannot be used, the
        cache stays shut, and the log says why.
        """
        try:
            sizes = await self._blobs.sizes()
        except OSError as error:
            _log.error("The response cache cannot be used: %s", error)
            return
        for row in rows:
            size = sizes.pop(row.key, None)
            if size is None:
                self._changed(row.key, None)
            else:
                self._index[row.key] = replace(row, size=size)
                self._bytes += size
        self._doomed += sizes
        self._evict_for(0)
        if self._prompts is not None:
            self.only_voices(self._prompts)
        self._worker = asyncio.create_task(self._run(), name="response cache")
        self._wake()

    async def close(self, timeout_s: float = 2.0) -> None:
        """Write what waits, at most ``timeout_s`` long, and shut."""
        worker, self._worker = self._worker, None
        if worker is None:
            return
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            _log.warning("The response cache was closed before %d responses were written", len(self._pending))
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)

    async def settled(self) -> None:
        """Wait until all that was asked for has been written or removed."""
        await self._idle.wait()

    # --- asking -----------------------------------------------------------------------------------------------------

    def holds(self, key: str) -> bool:
        """Whether the audio is there. Marks it as used."""
        if self._worker is None:
            return False
        row = self._index.get(key)
        if row is None:
            return key in self._pending
        self._index.move_to_end(key)
        now = self._wall_clock()
        if now - row.used_at >= TOUCH_S:
            self._index[key] = replace(row, used_at=now)
            self._changed(key, self._index[key])
        return True

    def at_hand(self, key: str) -> Chunks | None:
        """The audio, if that takes no wait."""
        pending = self._pending.get(key)
        if pending is not None:
            return pending.chunks
        chunks = self._memory.get(key)
        if chunks is None:
            return self._glance(key)
        self._memory.move_to_end(key)
        return chunks

    def _glance(self, key: str) -> Chunks | None:
        """Read a short file that is in the system's memory. Whatever is wrong with it, ``load`` will find out."""
        row = self._index.get(key)
        blob = self._blobs.glance(key, row.size) if row is not None and row.size <= GLANCE_BYTES else None
        if blob is None:
            return None
        try:
            chunks = decode_blob(key, blob)
        except CorruptBlob:
            return None
        self._remember(key, chunks)
        return chunks

    async def load(self, key: str) -> Chunks | None:
        """Read the audio; None where the file is gone or broken, which is then forgotten."""
        try:
            chunks = await self._blobs.read(key, partial(decode_blob, key))
        except (OSError, CorruptBlob) as error:
            _log.warning("A response could not be read from the cache: %s", error)
            self.counts.corrupt += 1
            self._remove(key)
            return None
        if key in self._index:
            self._remember(key, chunks)
        return chunks

    # --- keeping ----------------------------------------------------------------------------------------------------

    def keep(self, key: str, chunks: Chunks, prompt: str = "") -> None:
        """Take all audio of a job; it is there for others from now on. ``prompt``: digest of a cloned voice's."""
        nbytes = sum(chunk.samples.nbytes for chunk in chunks)
        if self._worker is None or nbytes > self._max_bytes or key in self._index or key in self._pending:
            return
        if self._pending_bytes + nbytes > PENDING_BYTES:
            self.counts.unwritten += 1
            return
        self._pending[key] = _Pending(chunks, prompt, nbytes)
        self._pending_bytes += nbytes
        self._wake()

    def only_voices(self, prompts: Collection[str]) -> None:
        """Remove all audio of cloned voices whose prompt digests are not among these: they were deleted. Now, and when
        the cache is opened."""
        self._prompts = prompts
        for key in [key for key, row in self._index.items() if not self._may_keep(row.prompt)]:
            self._remove(key)
        for key in [key for key, one in self._pending.items() if not self._may_keep(one.prompt)]:
            self._drop_pending(key)

    def _may_keep(self, prompt: str) -> bool:
        return not prompt or self._prompts is None or prompt in self._prompts

    def _remove(self, key: str) -> None:
        row = self._index.pop(key, None)
        if row is None:
            return
        self._forget(key)
        self._bytes -= row.size
        self._changed(key, None)
        self._doomed.append(key)
        self._wake()

    def _remember(self, key: str, chunks: Chunks) -> None:
        nbytes = _nbytes(chunks)
        if nbytes > MEMORY_BLOB_BYTES or key in self._memory:
            return
        self._memory[key] = chunks
        self._memory_bytes += nbytes
        while self._memory_bytes > MEMORY_BYTES:
            self._forget(next(iter(self._memory)))

    def _forget(self, key: str) -> None:
        chunks = self._memory.pop(key, None)
        if chunks is not None:
            self._memory_bytes -= _nbytes(chunks)

    def _drop_pending(self, key: str) -> _Pending | None:
        pending = self._pending.pop(key, None)
        if pending is not None:
            self._pending_bytes -= pending.nbytes
        return pending

    # --- the worker -------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        self._idle.clear()
        self._work.set()

    async def _run(self) -> None:
        try:
            await self._work_on()
        except Exception:  # noqa: BLE001  a bug in what saves work must not end work
            _log.exception("A bug in the server: the response cache is shut")
            self._worker = None
            self._idle.set()

    async def _work_on(self) -> None:
        while True:
            self._work.clear()
            while self._doomed or self._pending:
                await self._delete_doomed()
                if self._pending:
                    await self._write(next(iter(self._pending)))
            self._idle.set()
            await self._work.wait()

    async def _delete_doomed(self) -> None:
        while self._doomed:
            key = self._doomed.pop()
            try:
                await self._blobs.delete(key)
            except OSError as error:
                _log.warning("A cached response could not be removed: %s", error)

    async def _write(self, key: str) -> None:
        """Make room for one response and write it. Until it is written it is answered for from ``_pending``."""
        pending = self._pending[key]
        blob = await asyncio.to_thread(encode_blob, key, pending.chunks)
        written = False
        if len(blob) <= self._max_bytes and key in self._pending:
            self._evict_for(len(blob))
            await self._delete_doomed()
            written = await self._put(key, blob)
        kept = self._drop_pending(key)
        if not written:
            return
        if kept is None:  # its voice was deleted meanwhile
            self._doomed.append(key)
            return
        self._index[key] = IndexRow(key, len(blob), self._wall_clock(), pending.prompt)
        self._bytes += len(blob)
        self._changed(key, self._index[key])
        self._remember(key, pending.chunks)

    async def _put(self, key: str, blob: bytes) -> bool:
        try:
            await self._blobs.put(key, blob)
        except OSError as error:
            self.counts.unwritten += 1
            self._doomed.append(key)  # part of it may be there
            if not self._failing:
                _log.error("Responses cannot be kept (said once until it works again): %s", error)
            self._failing = True
            return False
        self._failing = False
        return True

    def _evict_for(self, nbytes: int) -> None:
        """Make room, the longest unused first."""
        while self._index and self._bytes + nbytes > self._max_bytes:
            self._remove(next(iter(self._index)))
            self.counts.evictions += 1


def _nbytes(chunks: Chunks) -> int:
    return sum(chunk.samples.nbytes for chunk in chunks)
