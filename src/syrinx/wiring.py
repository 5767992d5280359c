"""Puts the parts together: from settings to a running engine. The one place that knows every constructor."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from syrinx.config import Settings
from syrinx.core.errors import ConfigError, ModelNotFound, ModelNotReady
from syrinx.engine.admission import AdmissionPolicy
from syrinx.engine.engine import Engine
from syrinx.engine.fleet import ModelSource
from syrinx.engine.policy import EnginePolicy, FirstPiece, WarmUpPolicy
from syrinx.engine.record import Observer
from syrinx.models.fetch import Places
from syrinx.models.installed import Installed
from syrinx.models.options import parse_options
from syrinx.models.registry import check_options
from syrinx.models.whisper.options import WhisperOptions
from syrinx.store.cache import AudioCache
from syrinx.voices.aliases import VoiceDefaults
from syrinx.voices.store import VoiceStore
from syrinx.voices.transcript import Scribe, Transcriber
from syrinx.workers.caching.host import CachingHost
from syrinx.workers.headstart import HeadStartPolicy
from syrinx.workers.host import ModelHost
from syrinx.workers.launch.process import ProcessSpec
from syrinx.workers.policy import BackendSpec, SupervisorPolicy
from syrinx.workers.schedule import SchedulePolicy
from syrinx.workers.supervisor import Supervisor

AS_ASKED = "as asked"
HEAD_START_DOUBT = 2.0
"""A worker doubts what was measured (``workers.headstart``), and holds a stream for up to so many times as long. Where
that is longer than it may hold one, nothing is held, and who was let in for a head start would hear gaps."""
LOAD_MARGIN_S = 30.0
"""What a model's host may need beyond ``load_timeout_s`` to give a load up by itself."""


def build_engine(
    settings: Settings,
    observer: Observer | None = None,
    log: Callable[[str, str], None] | None = None,
    *,
    cache: AudioCache | None = None,
    installed: Installed | None = None,
) -> Engine:
    """Make the engine that the settings describe; nothing runs before its ``start``.

    ``log`` takes a worker's name and a line that it printed. ``cache``: where responses are kept; None: nowhere.
    ``installed`` None: the registry's models, as they are in the settings' data folder.

    Raises ``ModelNotFound`` for a model that does not exist, ``ModelNotReady`` for one that lacks something or where
    ``auto`` finds nothing that can run, ``ConfigError`` for wrong ``model_options``.
    """
    check_model_options(settings)
    parts = Parts(settings, installed or installed_here(settings), log, cache)
    chosen = chosen_models(settings, parts.installed)
    hosts = [parts.host(name) for name in chosen]
    voices = VoiceStore(settings.data_dir / "voices", settings.max_voices, settings.max_reference_bytes)
    source = replace(parts.source(), reasons=chosen)
    engine = Engine(hosts, engine_policy(settings), observer=observer, voices=voices, source=source)
    engine.voices.transcriber = Transcriber(lambda: scribe(settings, parts.installed))
    if cache is not None:
        engine.voices.on_prompts = cache.only_voices
    return engine


def check_model_options(settings: Settings) -> None:
    """Refuse options that their model does not take, also of models that are not served. Raises ``ConfigError``."""
    for name, options in settings.model_options.items():
        try:
            check_options(name, options)
        except (ConfigError, ModelNotFound) as error:
            raise ConfigError(f"model_options: {error}", param=error.param) from None


def installed_here(settings: Settings) -> Installed:
    """The registry's models, as they are in the settings' data folder."""
    return Installed(Places(settings.data_dir, settings.hub_cache_dir))


def scribe(settings: Settings, installed: Installed) -> Scribe | None:
    """How whisper is run, as it is installed now; None: it is not."""
    entry, options = installed.aids["whisper"], settings.model_options.get("whisper", {})
    if installed.lacking(entry, options) is not None:
        return None
    return Scribe(installed.python(entry), parse_options("whisper", WhisperOptions, installed.options(entry, options)))


def chosen_models(settings: Settings, installed: Installed) -> dict[str, str]:
    """The models to serve, the default first, each with the reason why."""
    chosen: dict[str, str] = {}
    for name in settings.models:
        auto = name == "auto"
        found, reason = installed.choose_auto(settings.model_options) if auto else (installed.find(name).name, AS_ASKED)
        chosen.setdefault(found, reason)
    return chosen


@dataclass(frozen=True, slots=True)
class Parts:
    """Makes the hosts of models."""

    settings: Settings
    installed: Installed
    log: Callable[[str, str], None] | None = None
    cache: AudioCache | None = None

    def source(self) -> ModelSource:
        """Where a running engine gets other models from."""
        limit_s = self.settings.load_timeout_s + LOAD_MARGIN_S
        return ModelSource(self.host, self.settings.model_options, load_timeout_s=limit_s)

    def host(self, name: str, options: Mapping[str, Any] | None = None) -> ModelHost:
        """The processes of one model, behind the response cache where there is one. ``options`` None: the settings'.

        Raises ``ModelNotFound``, ``ConfigError``, and ``ModelNotReady`` saying what the model lacks.
        """
        entry = self.installed.find(name)
        options = self.settings.model_options.get(name, {}) if options is None else options
        check_options(name, options)
        lacking = self.installed.lacking(entry, options)
        if lacking is not None:
            raise ModelNotReady(lacking)
        spec = BackendSpec(name, self.installed.options(entry, options))
        policy = supervisor_policy(self.settings, self.installed.python(entry, options))
        host = Supervisor(name, spec, policy) if self.log is None else Supervisor(name, spec, policy, self.log)
        if self.cache is None:
            return host
        return CachingHost(host, self.cache, self.settings.response_cache, options)


def head_start_policy(settings: Settings) -> HeadStartPolicy:
    """How long the first audio may be held: no less than somebody may wait in the line."""
    return HeadStartPolicy(max(HeadStartPolicy().longest_s, settings.queue_wait_sla_ms / 1000))


def supervisor_policy(settings: Settings, python: str) -> SupervisorPolicy:
    """How a model's processes are run, with that interpreter."""
    schedule = SchedulePolicy(
        interactive_quantum=settings.priority_quantum_bytes, bulk_quantum=settings.sched_quantum_bytes
    )
    return SupervisorPolicy(
        workers=settings.workers,
        load_timeout_s=settings.load_timeout_s,
        step_timeout_s=settings.step_timeout_s,
        schedule=schedule,
        head_start=head_start_policy(settings),
        process=ProcessSpec(python=python),
    )


def engine_policy(settings: Settings) -> EnginePolicy:
    """The engine's share of the settings."""
    longest_s = head_start_policy(settings).longest_s
    return EnginePolicy(
        admission=AdmissionPolicy(
            max_running=settings.max_concurrent_jobs,
            max_queued=settings.max_queued_requests,
            wait_sla_s=settings.queue_wait_sla_ms / 1000,
            initial_wall_s=settings.avg_job_wall_ms / 1000,
            head_start_s=min(settings.queue_wait_sla_ms / 1000, longest_s / HEAD_START_DOUBT),
            share=settings.when_busy == "share",
        ),
        first_piece=FirstPiece(
            max_words=0 if settings.profile == "throughput" else settings.first_segment_max_words,
            boundaries=settings.first_segment_boundaries,
            require_boundary=settings.first_segment_require_boundary,
        ),
        long_segments=settings.profile == "throughput",
        voices=VoiceDefaults(settings.voice_female, settings.voice_male),
        warmup=WarmUpPolicy(settings.warmup_text, settings.warmup_language, settings.warmup_on_startup),
        max_text_chars=settings.max_text_chars,
        target_ttfa_s=settings.target_ttfa_ms / 1000,
        opus_application=settings.opus_application,
    )


def max_lead_s(settings: Settings) -> float:
    """How far ahead of a listener audio is made; infinite where the setting is 0, and where files are made."""
    return math.inf if settings.profile == "throughput" else settings.max_lead_s or math.inf
