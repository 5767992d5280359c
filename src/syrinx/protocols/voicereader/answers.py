"""What the desktop sidecar says: job events on its socket, voices, health and small answers, as bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from syrinx.core.errors import EmptyText, SyrinxError
from syrinx.core.types import Finished, Span
from syrinx.protocols.interruption import heard_fields
from syrinx.protocols.voicereader.errors import error_object
from syrinx.protocols.voicereader.requests import BUILT_IN

EPOCH = "1970-01-01T00:00:00Z"
"""When the built-in voice was made, so that it stands first."""
AUDIO_FORMAT = "pcm_s16le"

_encode = msgspec.json.Encoder().encode


class _Audio(msgspec.Struct, frozen=True):
    format: str
    sample_rate: int
    channels: int
    data_base64: bytes


class _TextRange(msgspec.Struct, frozen=True):
    chunk_index: int
    start_char: int
    end_char: int


class _AudioChunk(msgspec.Struct, frozen=True, tag="AUDIO_CHUNK", tag_field="type"):
    job_id: str
    seq: int
    audio: _Audio
    text_range: _TextRange


@dataclass(frozen=True, slots=True)
class AudioPiece:
    """What one ``AUDIO_CHUNK`` carries."""

    seq: int
    """Counts a job's from 1."""
    data: bytes
    """16-bit little-endian mono samples."""
    sample_rate: int
    chunk_index: int
    """Of the text chunk it speaks, from 0."""
    span: Span
    """That chunk in the text as it was sent."""


def job_started(job_id: str) -> bytes:
    """The first event of every job."""
    return _encode({"type": "JOB_STARTED", "job_id": job_id})


def audio_chunk(job_id: str, piece: AudioPiece) -> bytes:
    """Audio of one text chunk."""
    return _encode(
        _AudioChunk(
            job_id,
            piece.seq,
            _Audio(AUDIO_FORMAT, piece.sample_rate, 1, piece.data),
            _TextRange(piece.chunk_index, piece.span.start, piece.span.end),
        )
    )


def job_done(job_id: str) -> bytes:
    """The last event of a job that was spoken to its end."""
    return _encode({"type": "JOB_DONE", "job_id": job_id})


def job_canceled(job_id: str, finished: Finished | None = None) -> bytes:
    """The last event of a job that was canceled; ``finished`` tells what of it was heard, where that is known."""
    return _encode({"type": "JOB_CANCELED", "job_id": job_id, **_heard(finished)})


def canceled_body(finished: Finished | None) -> bytes:
    """``POST /v1/cancel``."""
    return _encode({"canceled": True, **_heard(finished)})


def _heard(finished: Finished | None) -> dict[str, Any]:
    return {} if finished is None else heard_fields(finished)


def job_error(job_id: str, error: SyrinxError) -> bytes:
    """The last event of a job that failed: whatever the model did, it is ``INFERENCE_FAILED`` here."""
    told = error_object(error)
    if not isinstance(error, EmptyText):
        told["code"] = "INFERENCE_FAILED"
    return _encode({"type": "JOB_ERROR", "job_id": job_id, "error": told})


@dataclass(frozen=True, slots=True)
class VoiceSummary:
    """A voice as clients list it."""

    voice_id: str
    name: str
    created_at: str
    model: str
    language: str = ""
    """Empty: not known, told as ``auto``."""
    description: str = ""


def built_in_voice(model: str) -> VoiceSummary:
    """The voice "0"."""
    return VoiceSummary(BUILT_IN, "Default Built-in Voice", EPOCH, model)


def voice_object(voice: VoiceSummary) -> dict[str, Any]:
    """One voice: the sidecar's fields, and ``name`` as others call it."""
    return {
        "voice_id": voice.voice_id,
        "name": voice.name,
        "display_name": voice.name,
        "created_at": voice.created_at,
        "tts_model_id": voice.model,
        "language_hint": voice.language or "auto",
        "description": voice.description or None,
    }


def voices_body(voices: Sequence[VoiceSummary]) -> bytes:
    """``GET /v1/voices``."""
    return _encode({"voices": [voice_object(voice) for voice in voices]})


def voice_body(voice: VoiceSummary) -> bytes:
    """One voice, as ``clone`` and ``PATCH`` answer."""
    return _encode(voice_object(voice))


@dataclass(frozen=True, slots=True)
class Runtime:
    """The model that speaks, as ``/v1/health`` and ``/v1/models/activate`` tell it."""

    backend: str
    model_id: str
    device: str
    loaded: bool
    clones: bool
    languages: tuple[str, ...]
    fallback: bool
    """``auto`` chose neither of the sidecar's own models."""
    detail: str
    warmup: dict[str, Any]


def runtime_object(runtime: Runtime) -> dict[str, Any]:
    return {
        "backend": runtime.backend,
        "model_loaded": runtime.loaded,
        "fallback_active": runtime.fallback,
        "detail": runtime.detail,
        "supports_default_voice": runtime.loaded,
        "supports_cloned_voices": runtime.clones,
        "warmup": runtime.warmup,
    }


def health_body(version: str, runtime: Runtime) -> bytes:
    """``GET /v1/health``. Every model of ours is heard while it is still at work, hence the last but one."""
    capabilities = {
        "supports_voice_clone": runtime.clones,
        "supports_audio_chunk_stream": True,
        "supports_true_streaming_inference": True,
        "languages": list(runtime.languages),
    }
    return _encode(
        {
            "engine_version": version,
            "active_model_id": runtime.model_id,
            "device": runtime.device,
            "capabilities": capabilities,
            "runtime": runtime_object(runtime),
        }
    )


def activated_body(runtime: Runtime, warmup_accepted: bool) -> bytes:
    """``POST /v1/models/activate``."""
    return _encode(
        {
            "reloaded": True,
            "warmup_accepted": warmup_accepted,
            "active_model_id": runtime.model_id,
            "runtime": runtime_object(runtime),
        }
    )


def small_body(**fields: Any) -> bytes:
    """An answer of a few fields."""
    return _encode(fields)
