"""The environment variables of the five founding systems: which setting each one sets, or why it sets none.

One table, read by ``config``, written out in ``docs/settings.md``, and walked by a test.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

SYSTEMS: Mapping[int, str] = MappingProxyType(
    {
        0: "desktop sidecar (VoiceReader)",
        1: "Kokoro Realtime-style server",
        2: "VibeVoice engine",
        3: "Chatterbox service",
        4: "Orpheus/Veena server",
    }
)


@dataclass(frozen=True, slots=True)
class Alias:
    """One variable of a founding system."""

    variable: str
    system: int
    """A key of ``SYSTEMS``."""
    setting: str = ""
    """The field of ``config.Settings`` it sets; empty: none."""
    why: str = ""
    """Where it sets none: why, and what to do instead; else how its values are read, if not as the field's."""
    convert: Callable[[str], Any] | None = None
    """From its text to the field's value. Raises ``ValueError`` with the reason."""
    option: str = ""
    """Where it sets ``model_options``: the option's name."""
    models: tuple[str, ...] = ()
    """... and the models that get it."""


SYNTH_BACKENDS: Mapping[str, str] = MappingProxyType(
    {"auto": "auto", "kyutai": "pocket", "qwen": "qwen", "mock": "tone"}
)
"""The sidecar's backends and the models of ours that they mean."""


def models_of_backend(text: str) -> tuple[str, ...]:
    """Read ``VOICEREADER_SYNTH_BACKEND``."""
    name = text.strip().lower()
    if name not in SYNTH_BACKENDS:
        raise ValueError(f"must be one of {', '.join(SYNTH_BACKENDS)}, not {text!r}")
    return (SYNTH_BACKENDS[name],)


def number(text: str) -> float:
    """Read a number."""
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"must be a number, not {text[:100]!r}") from None
    if not math.isfinite(value):
        raise ValueError(f"must be a finite number, not {text[:100]!r}")
    return value


def whole_numbers(text: str) -> list[int]:
    """Read ``STOP_TOKEN_IDS``: numbers with commas between them, in brackets or not."""
    try:
        return [int(part) for part in text.strip().strip("[]").split(",")]
    except ValueError:
        raise ValueError(f"must be whole numbers with commas between them, not {text[:100]!r}") from None


def dtype(text: str) -> str:
    """Read a type of numbers, as torch writes it or without its prefix."""
    return text.strip().removeprefix("torch.")


def _option(variable: str, system: int, option: str, *models: str, convert: Callable[[str], Any] = str.strip) -> Alias:
    return Alias(variable, system, "model_options", convert=convert, option=option, models=models)


_WINDOWS = (
    "Counted tokens in a window of its decoder; here audio is cut in codec frames, `first_frames` and `hop_frames` of "
    "the model's `model_options`."
)
_DEVICE = "Read by the GPU libraries themselves; workers inherit it, so it has its usual effect."
_TOOL = "Read by that server's tools only; ours take `--url`."

ALIASES: tuple[Alias, ...] = (
    Alias("SPEAK_SELECTION_ENGINE_TOKEN", 0, "api_key"),
    Alias(
        "VOICEREADER_SYNTH_BACKEND",
        0,
        "models",
        "`auto`, `kyutai` (pocket), `qwen` or `mock` (tone)",
        models_of_backend,
    ),
    _option("VOICEREADER_KYUTAI_MODEL", 0, "weights", "pocket"),
    _option("VOICEREADER_KYUTAI_VOICE_PROMPT", 0, "voice", "pocket"),
    Alias(
        "VOICEREADER_KYUTAI_SAMPLE_RATE",
        0,
        why="The model has one rate, and audio is resampled to what a request asks for.",
    ),
    _option("VOICEREADER_QWEN_MODEL", 0, "weights", "qwen"),
    _option("VOICEREADER_QWEN_SPEAKER", 0, "speaker", "qwen"),
    _option("VOICEREADER_QWEN_DEVICE_MAP", 0, "device", "qwen"),
    _option("VOICEREADER_QWEN_DTYPE", 0, "dtype", "qwen", convert=dtype),
    _option("VOICEREADER_QWEN_ATTN_IMPLEMENTATION", 0, "attention", "qwen"),
    Alias("VOICEREADER_WARMUP_ON_STARTUP", 0, "warmup_on_startup"),
    Alias("VOICEREADER_WARMUP_TEXT", 0, "warmup_text"),
    Alias("VOICEREADER_WARMUP_LANGUAGE", 0, "warmup_language"),
    Alias("VOICEREADER_HF_CACHE_DIR", 0, "hub_cache_dir"),
    Alias("VOICEREADER_HF_HUB_CACHE_DIR", 0, why="There is one download cache: `VOICEREADER_HF_CACHE_DIR`."),
    Alias("VOICEREADER_TRANSFORMERS_CACHE_DIR", 0, why="Transformers itself has dropped it; see `hub_cache_dir`."),
    Alias("VOICEREADER_SOX_PATH", 0, why="Speed and pitch need no SoX: the audio chain changes them itself."),
    Alias("API_KEY", 1, "api_key"),
    Alias("LOG_LEVEL", 1, "log_level"),
    Alias(
        "MODEL_NAME",
        1,
        why="Never had an effect there, and named a repository for the Veena server; `SYRINX_MODELS` names models that "
        "are installed.",
    ),
    Alias("LANG_CODE", 1, why="A voice decides its language, and one server speaks them all."),
    Alias("DEFAULT_VOICE_FEMALE", 1, "voice_female"),
    Alias("DEFAULT_VOICE_MALE", 1, "voice_male"),
    Alias("KOKORO_SPEED", 1, "default_speed"),
    Alias("KOKORO_SPLIT_PATTERN", 1, why="Text is cut at sentences of its language, not by a pattern."),
    _option("KOKORO_DEVICE", 1, "device", "kokoro"),
    Alias("KOKORO_GPU_MEMORY_FRACTION", 1, why="Kokoro takes less than 2 GB of a GPU; there is nothing to cap."),
    Alias("STREAM_CHUNK_SECONDS", 1, "stream_chunk_seconds"),
    Alias("FIRST_SEGMENT_MAX_WORDS", 1, "first_segment_max_words"),
    Alias("FIRST_SEGMENT_BOUNDARIES", 1, "first_segment_boundaries"),
    Alias("FIRST_SEGMENT_REQUIRE_BOUNDARY", 1, "first_segment_require_boundary"),
    Alias("MAX_UTTERANCE_WORDS", 1, "max_utterance_words"),
    Alias("PRIME_STREAM", 1, "prime_stream"),
    Alias("PRIME_BYTES", 1, "prime_bytes"),
    Alias("MAX_CONCURRENT_JOBS", 1, "max_concurrent_jobs"),
    Alias("MAX_QUEUED_REQUESTS", 1, "max_queued_requests"),
    Alias("QUEUE_WAIT_SLA_MS", 1, "queue_wait_sla_ms"),
    Alias("QUEUE_MAXSIZE", 1, "max_pending_per_connection"),
    Alias("AVG_JOB_WALL_MS", 1, "avg_job_wall_ms"),
    Alias("SCHED_QUANTUM_BYTES", 1, "sched_quantum_bytes"),
    Alias("PRIORITY_QUANTUM_BYTES", 1, "priority_quantum_bytes"),
    Alias("WS_FIRST_CHUNK_IMMEDIATE", 1, "ws_first_chunk_immediate"),
    Alias("WS_BUFFER_BYTES", 1, "ws_buffer_bytes"),
    Alias("WS_FLUSH_EVERY", 1, "ws_flush_every"),
    Alias("WS_MAX_LATENCY_MS", 1, "ws_max_latency_ms"),
    Alias("WS_SEND_TIMEOUT", 1, "ws_send_timeout"),
    Alias("WS_LONG_SEND_LOG_MS", 1, "ws_long_send_log_ms"),
    Alias("FLUSH_IDLE_MS", 1, "flush_idle_ms"),
    Alias("OPUS_BITRATE", 1, "opus_bitrate"),
    Alias("OPUS_APPLICATION", 1, "opus_application"),
    Alias("RUNPOD_TCP_HOST", 1, why=_TOOL),
    Alias("RUNPOD_TCP_PORT", 1, why=_TOOL),
    Alias(
        "RUNPOD_API_KEY", 1, why="A server does not delete the machine it runs on; `syrinx purge` removes its files."
    ),
    Alias("RUNPOD_POD_ID", 1, why="A server does not delete the machine it runs on; `syrinx purge` removes its files."),
    Alias("CUDA_VISIBLE_DEVICES", 3, why=_DEVICE),
    Alias("TTS_PORT", 3, "port"),
    Alias("TTS_MAX_CONNECTIONS", 3, "max_connections"),
    Alias("TTS_CHUNK_SIZE", 3, "chunk_tokens"),
    Alias("TTS_CONTEXT_WINDOW", 3, why="Audio is joined by a stateful chain, so nothing is decoded twice for context."),
    Alias("TTS_INSTANCE_ID", 3, why="Named the process in that server's log; ours is known by its address."),
    _option("TEMPERATURE", 4, "temperature", "orpheus", "veena", convert=number),
    _option("TOP_P", 4, "top_p", "orpheus", "veena", convert=number),
    Alias("MAX_TOKENS", 4, why="Long text is cut into segments, so no token limit ends it."),
    _option("REPETITION_PENALTY", 4, "repetition_penalty", "orpheus", "veena", convert=number),
    _option("STOP_TOKEN_IDS", 4, "stop_token_ids", "orpheus", "veena", convert=whole_numbers),
    Alias("MIN_FRAMES_FIRST", 4, why=_WINDOWS),
    Alias("MIN_FRAMES_SUBSEQ", 4, why=_WINDOWS),
    Alias("PROCESS_EVERY", 4, why=_WINDOWS),
)
"""Every variable that a founding system or its parent reads (system 2, a library, reads none)."""
