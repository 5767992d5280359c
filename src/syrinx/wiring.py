"""Puts the parts together: from settings to a running engine. The one place that knows every constructor."""

from __future__ import annotations

import math

from syrinx.config import Settings
from syrinx.engine.admission import AdmissionPolicy
from syrinx.engine.policy import EnginePolicy, FirstPiece
from syrinx.voices.aliases import VoiceDefaults


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
