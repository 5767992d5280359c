"""Puts the parts together: from settings to a running engine. The one place that knows every constructor."""

from __future__ import annotations

import math
from collections.abc import Callable

from syrinx.config import Settings
from syrinx.core.errors import ConfigError, ModelNotFound
from syrinx.engine.admission import AdmissionPolicy
from syrinx.engine.engine import Engine
from syrinx.engine.policy import EnginePolicy, FirstPiece
from syrinx.engine.record import Observer
from syrinx.models.registry import check_options, choose_auto, find
from syrinx.voices.aliases import VoiceDefaults
from syrinx.workers.host import ModelHost
from syrinx.workers.policy import BackendSpec, SupervisorPolicy
from syrinx.workers.schedule import SchedulePolicy
from syrinx.workers.supervisor import Supervisor

AS_ASKED = "as asked"


def build_engine(
    settings: Settings, observer: Observer | None = None, log: Callable[[str, str], None] | None = None
) -> Engine:
    """Make the engine that the settings describe; nothing runs before its ``start``.

    ``log`` takes a worker's name and a line that it printed. Raises ``ModelNotFound`` for a model that does not exist,
    ``ModelNotReady`` where ``auto`` finds nothing that can run, ``ConfigError`` for wrong ``model_options``.
    """
    check_model_options(settings)
    chosen = chosen_models(settings)
    hosts = [model_host(name, settings, log) for name in chosen]
    return Engine(hosts, engine_policy(settings), reasons=chosen, observer=observer)


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


def model_host(name: str, settings: Settings, log: Callable[[str, str], None] | None = None) -> ModelHost:
    """The processes of one model."""
    schedule = SchedulePolicy(
        interactive_quantum=settings.priority_quantum_bytes, bulk_quantum=settings.sched_quantum_bytes
    )
    policy = SupervisorPolicy(
        workers=settings.workers,
        load_timeout_s=settings.load_timeout_s,
        step_timeout_s=settings.step_timeout_s,
        schedule=schedule,
    )
    spec = BackendSpec(name, settings.model_options.get(name, {}))
    return Supervisor(name, spec, policy) if log is None else Supervisor(name, spec, policy, log)


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
            max_words=settings.first_segment_max_words,
            boundaries=settings.first_segment_boundaries,
            require_boundary=settings.first_segment_require_boundary,
        ),
        voices=VoiceDefaults(settings.voice_female, settings.voice_male),
        max_text_chars=settings.max_text_chars,
        target_ttfa_s=settings.target_ttfa_ms / 1000,
        opus_application=settings.opus_application,
    )


def max_lead_s(settings: Settings) -> float:
    """How far ahead of a listener audio is made; infinite where the setting is 0."""
    return settings.max_lead_s or math.inf
