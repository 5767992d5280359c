"""Puts the parts together: from settings to a running engine. The one place that knows every constructor."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from syrinx.config import Settings
from syrinx.core.errors import ConfigError, ModelNotFound
from syrinx.engine.admission import AdmissionPolicy
from syrinx.engine.engine import Engine
from syrinx.engine.fleet import ModelSource
from syrinx.engine.policy import EnginePolicy, FirstPiece, WarmUpPolicy
from syrinx.engine.record import Observer
from syrinx.models.registry import check_options, choose_auto, find
from syrinx.store.cache import AudioCache
from syrinx.voices.aliases import VoiceDefaults
from syrinx.voices.store import VoiceStore
from syrinx.workers.caching.host import CachingHost
from syrinx.workers.host import ModelHost
from syrinx.workers.policy import BackendSpec, SupervisorPolicy
from syrinx.workers.schedule import SchedulePolicy
from syrinx.workers.supervisor import Supervisor

AS_ASKED = "as asked"
LOAD_MARGIN_S = 30.0
"""What a model's host may need beyond ``load_timeout_s`` to give a load up by itself."""


def build_engine(
    settings: Settings,
    observer: Observer | None = None,
    log: Callable[[str, str], None] | None = None,
    *,
    cache: AudioCache | None = None,
) -> Engine:
    """Make the engine that the settings describe; nothing runs before its ``start``.

    ``log`` takes a worker's name and a line that it printed. ``cache``: where responses are kept; None: nowhere.

    Raises ``ModelNotFound`` for a model that does not exist, ``ModelNotReady`` where ``auto`` finds nothing that can
    run, ``ConfigError`` for wrong ``model_options``.
    """
    check_model_options(settings)
    chosen = chosen_models(settings)
    hosts = [model_host(name, settings, log, cache=cache) for name in chosen]
    voices = VoiceStore(settings.data_dir / "voices", settings.max_voices, settings.max_reference_bytes)
    source = replace(model_source(settings, log, cache=cache), reasons=chosen)
    engine = Engine(hosts, engine_policy(settings), observer=observer, voices=voices, source=source)
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


def chosen_models(settings: Settings) -> dict[str, str]:
    """The models to serve, the default first, each with the reason why."""
    chosen: dict[str, str] = {}
    for name in settings.models:
        found, reason = choose_auto() if name == "auto" else (find(name).name, AS_ASKED)
        chosen.setdefault(found, reason)
    return chosen


def model_source(
    settings: Settings, log: Callable[[str, str], None] | None = None, *, cache: AudioCache | None = None
) -> ModelSource:
    """Where a running engine gets other models from."""

    def make(name: str, options: Mapping[str, Any]) -> ModelHost:
        check_options(name, options)
        return model_host(name, settings, log, cache=cache, options=options)

    limit_s = settings.load_timeout_s + LOAD_MARGIN_S
    return ModelSource(make, settings.model_options, load_timeout_s=limit_s)


def model_host(
    name: str,
    settings: Settings,
    log: Callable[[str, str], None] | None = None,
    *,
    cache: AudioCache | None = None,
    options: Mapping[str, Any] | None = None,
) -> ModelHost:
    """The processes of one model, behind the response cache where there is one. ``options`` None: the settings'."""
    schedule = SchedulePolicy(
        interactive_quantum=settings.priority_quantum_bytes, bulk_quantum=settings.sched_quantum_bytes
    )
    policy = SupervisorPolicy(
        workers=settings.workers,
        load_timeout_s=settings.load_timeout_s,
        step_timeout_s=settings.step_timeout_s,
        schedule=schedule,
    )
    options = settings.model_options.get(name, {}) if options is None else options
    spec = BackendSpec(name, options)
    host = Supervisor(name, spec, policy) if log is None else Supervisor(name, spec, policy, log)
    return host if cache is None else CachingHost(host, cache, settings.response_cache, options)


def engine_policy(settings: Settings) -> EnginePolicy:
    """The engine's share of the settings."""
    return EnginePolicy(
        admission=AdmissionPolicy(
            max_running=settings.max_concurrent_jobs,
            max_queued=settings.max_queued_requests,
            wait_sla_s=settings.queue_wait_sla_ms / 1000,
            initial_wall_s=settings.avg_job_wall_ms / 1000,
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
