"""What a server keeps beyond its life: figures of its jobs and the response cache. Both open in the background."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterable

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from syrinx.config import Settings
from syrinx.core.errors import ConfigError
from syrinx.engine.record import NoObserver, Observer
from syrinx.server.job_log import JobLog
from syrinx.store.address import address_of
from syrinx.store.blobs import FolderBlobs
from syrinx.store.cache import AudioCache
from syrinx.store.cache_folder import CacheFolder
from syrinx.store.recorder import Recorder
from syrinx.store.rows import Retention

_log = structlog.get_logger("syrinx.server")


class Keeping:
    """Make it before the engine, ``start`` it with the server, ``close`` it once the engine has stopped."""

    def __init__(self, settings: Settings) -> None:
        """Raises ``ConfigError`` for a database that cannot be meant. Opens nothing but the cache's folder."""
        address = address_of(settings.database_url, settings.data_dir)
        self._folder = CacheFolder(settings.data_dir / "cache")
        place = _take(self._folder) if settings.response_cache != "off" and settings.response_cache_bytes else None
        self._recorder = Recorder(
            address,
            Retention(settings.job_history_days, settings.job_history_rows),
            place=place or "",
            on_refused=self._refused,
        )
        records = settings.job_history_days > 0
        self.observer: Observer = JobLog(self._recorder) if records else NoObserver()
        """Records every job."""
        self.cache: AudioCache | None = None
        """None where it is off or its folder cannot be had."""
        if place is not None:
            blobs = FolderBlobs(self._folder.audio)
            self.cache = AudioCache(blobs, settings.response_cache_bytes, self._recorder.change_index)
        self._used = records or place is not None
        self._opening: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_refused: Callable[[], None] | None = None
        self.refused: ConfigError | None = None
        """Why the database cannot be used, ever."""

    def start(self, on_refused: Callable[[], None]) -> None:
        """Open the database, then the cache, in the background. ``on_refused``: see ``refused``."""
        if not self._used:
            return
        self._loop, self._on_refused = asyncio.get_running_loop(), on_refused
        self._recorder.start()
        self._opening = asyncio.create_task(self._open(), name="open the response cache")

    async def close(self) -> None:
        """Write what waits, in a few seconds at the most, and let everything go."""
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        if self.cache is not None:
            await self.cache.close()
        await asyncio.to_thread(self._recorder.close)
        self._folder.release()

    def collector(self) -> Collector:
        """What ``/metrics`` tells of it."""
        return _Kept(self._recorder, self.cache)

    async def _open(self) -> None:
        rows = await asyncio.wrap_future(self._recorder.index)
        gc.freeze()  # its libraries may have come after the freeze at readiness
        if self.cache is not None:
            await self.cache.open(rows)

    def _refused(self, error: ConfigError) -> None:
        """In the recorder's thread."""
        self.refused = error
        if self._loop is not None and self._on_refused is not None:
            self._loop.call_soon_threadsafe(self._on_refused)


def _take(folder: CacheFolder) -> str | None:
    try:
        place = folder.take()
    except OSError as error:
        _log.error("response_cache_off", why=f"its folder cannot be used: {error}")
        return None
    if place is None:
        _log.warning("response_cache_off", why="another server uses this data folder")
    return place


class _Kept(Collector):
    def __init__(self, recorder: Recorder, cache: AudioCache | None) -> None:
        self._recorder = recorder
        self._cache = cache

    def collect(self) -> Iterable[Metric]:
        yield _counter("syrinx_rows_dropped", "Rows the database was away too long for", self._recorder.dropped)
        if self._cache is None:
            return
        counts = self._cache.counts
        yield _counter("syrinx_cache_hits", "Segments played from the response cache", counts.hits)
        yield _counter("syrinx_cache_misses", "Segments that the model made for it", counts.misses)
        yield _counter("syrinx_cache_shared", "Segments heard while made for another request", counts.shared)
        yield _counter("syrinx_cache_evictions", "Segments removed to make room", counts.evictions)
        yield _counter("syrinx_cache_corrupt", "Files of the cache that were broken or gone", counts.corrupt)
        yield _counter("syrinx_cache_unwritten", "Segments that could not be kept", counts.unwritten)
        yield GaugeMetricFamily("syrinx_cache_open", "1 while responses are kept", value=float(self._cache.is_open))
        yield GaugeMetricFamily("syrinx_cache_bytes", "Audio on disk", value=self._cache.stored_bytes)
        yield GaugeMetricFamily("syrinx_cache_entries", "Segments on disk", value=self._cache.entries)


def _counter(name: str, text: str, value: int) -> CounterMetricFamily:
    return CounterMetricFamily(name, text, value=value)
