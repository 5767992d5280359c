"""From the program's configuration to the settings of an engine. No environment is read: all is in the program."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from syrinx.core.errors import ConfigError, InvalidRequest, SyrinxError

from .config import AUTO, TTSConfig

if TYPE_CHECKING:
    from syrinx.config import Settings

ENGINE_SETTINGS = frozenset(
    {
        "avg_job_wall_ms",
        "first_segment_boundaries",
        "first_segment_max_words",
        "first_segment_require_boundary",
        "flush_idle_ms",
        "load_timeout_s",
        "max_concurrent_jobs",
        "max_queued_requests",
        "max_reference_bytes",
        "max_text_chars",
        "max_voices",
        "priority_quantum_bytes",
        "queue_wait_sla_ms",
        "sched_quantum_bytes",
        "step_timeout_s",
        "target_ttfa_ms",
        "voice_female",
        "voice_male",
        "warmup_language",
        "warmup_on_startup",
        "warmup_text",
        "workers",
    }
)
"""Those of ``syrinx.config.Settings`` that mean something without a server."""

_OWN_WORDS = {"input": "text", "voice": "speaker_id", "model": "model_name"}
"""What the engine calls a field, and what a caller of this API does."""


def settings_of(config: TTSConfig) -> Settings:
    """The settings it asks for.

    Raises ``ConfigError`` or ``ModelNotFound`` naming the field that is wrong; ``ModelNotReady``: no model can run.
    """
    from syrinx.config import make_settings

    for name in config.settings:
        if name not in ENGINE_SETTINGS:
            raise ConfigError(_why_not(name), param="settings")
    values = dict(config.settings)
    values["models"] = (config.model,)
    if config.data_dir is not None:
        values["data_dir"] = Path(config.data_dir)
    settings = make_settings(values)
    return settings.model_copy(update={"model_options": _options_of(config, settings)})


def reference_of(config: TTSConfig, most: int) -> bytes | None:
    """The recording of the voice to clone. Raises ``InvalidRequest`` for a file that cannot be read, or is over
    ``most`` bytes."""
    source = config.reference_audio
    if source is None or isinstance(source, bytes):
        return source
    try:
        with Path(source).open("rb") as file:
            data = file.read(most + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InvalidRequest(
            f"reference_audio: {str(source)[:200]!r} cannot be read: {reason}.",
            code="bad_audio",
            param="reference_audio",
        ) from None
    if len(data) > most:
        raise InvalidRequest(
            f"reference_audio: {str(source)[:200]!r} is over the limit of {most} bytes.",
            code="audio_too_long",
            param="reference_audio",
        )
    return data


def in_own_words(error: SyrinxError) -> SyrinxError:
    """The error with ``param`` as this API names it."""
    error.param = _OWN_WORDS.get(error.param or "", error.param)
    return error


def _options_of(config: TTSConfig, settings: Settings) -> Mapping[str, Mapping[str, Any]]:
    """The model's options with the device among them, by the model's name."""
    from syrinx.models.registry import check_options, find
    from syrinx.wiring import installed_here

    try:
        entry = find(installed_here(settings).choose_auto()[0] if config.model == AUTO else config.model)
        options = dict(config.model_options)
        if "device" in entry.options_schema().get("properties", {}):
            if config.device != AUTO:
                options["device"] = config.device
        elif config.device not in (AUTO, "cpu"):
            raise ConfigError(
                f"The model {entry.name} runs on the CPU: a device of {config.device!r} cannot be honoured; choose "
                "'auto' or 'cpu'.",
                param="device",
            )
        check_options(entry.name, options)
    except SyrinxError as error:
        raise in_own_words(error) from None
    return {entry.name: options} if options else {}


def _why_not(name: str) -> str:
    from syrinx.config import FIELDS

    if name in ("models", "model_options", "data_dir"):
        return f"settings: {name} has a field of its own in TTSConfig."
    if name in FIELDS:
        return f"settings: {name} is about the server, and there is none here."
    return f"settings: there is no setting named {name!r}; there are: {', '.join(sorted(ENGINE_SETTINGS))}."
