"""Puts the sidecar's parts together as the settings have them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute

from syrinx.models.fetch import Places
from syrinx.server.auth import Keys
from syrinx.server.limits import SocketCap
from syrinx.server.observe import Metrics
from syrinx.server.voicereader.jobs import LEAD_S, JobPolicy, Jobs
from syrinx.server.voicereader.models import Models
from syrinx.server.voicereader.prefetch import Prefetcher
from syrinx.server.voicereader.routes import VoiceReaderRoutes
from syrinx.server.voicereader.stream import StreamRoutes
from syrinx.server.voicereader.voices import Voices
from syrinx.wiring import max_lead_s

if TYPE_CHECKING:
    from syrinx.config import Settings
    from syrinx.engine.engine import Engine


class VoiceReader:
    """The desktop sidecar: its routes and its sockets, which share its jobs."""

    def __init__(
        self,
        engine: Engine,
        keys: Keys,
        settings: Settings,
        sockets: tuple[SocketCap, Metrics],
        on_quit: Callable[[], None] | None,
    ) -> None:
        """``sockets``: how many there may be, and who counts them."""
        cap, metrics = sockets
        jobs = Jobs(engine, job_policy(settings))
        self._http = VoiceReaderRoutes(
            engine,
            keys,
            settings,
            jobs,
            Models(engine, jobs, settings),
            Voices(engine, settings.reference_folders, settings.max_reference_bytes),
            Prefetcher(Places(settings.data_dir, settings.hub_cache_dir)),
            on_quit,
        )
        self._stream = StreamRoutes(jobs, keys, cap, metrics, settings.http_send_timeout)

    def routes(self) -> list[BaseRoute]:
        """Of HTTP."""
        return self._http.routes()

    def sockets(self) -> list[BaseRoute]:
        """To be asked after every other path under ``/v1/stream``."""
        return self._stream.routes()


def job_policy(settings: Settings) -> JobPolicy:
    """The jobs' share of the settings. A lead that is longer than a listener likes is cut; no limit stays none."""
    lead_s = max_lead_s(settings)
    return JobPolicy(
        max_bytes=settings.history_bytes,
        keep_s=settings.history_s,
        max_lead_s=lead_s if settings.max_lead_s == 0 else min(LEAD_S, lead_s),
    )
