"""What the Chatterbox dialect says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from syrinx.core.errors import SyrinxError
from syrinx.protocols.base import Reply

RequestId = str | int | None
"""A client's own name for a request, repeated in what is said of it; None: it gave none."""

_OWN_WORDS = {"input": "text"}
"""What the engine calls a field, and what a client of this dialect does."""

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class KnownVoice:
    """A voice to list."""

    voice_id: str
    description: str


def complete_reply(chunks: int, request_id: RequestId, told: Mapping[str, Any]) -> Reply:
    """``synthesis_complete``; ``chunk_id`` is the number of frames, as in the first service."""
    return _reply({"type": "synthesis_complete", "chunk_id": chunks, **_about(request_id), **told})


def error_reply(error: SyrinxError, request_id: RequestId) -> Reply:
    """``error``."""
    param = {"param": _OWN_WORDS.get(error.param, error.param)} if error.param else {}
    return _reply({"type": "error", "message": error.message, "code": error.code, **param, **_about(request_id)})


def registered_reply(voice_id: str, request_id: RequestId) -> Reply:
    """``voice_registered``."""
    return _reply({"type": "voice_registered", "voice_id": voice_id, **_about(request_id)})


def voices_reply(voices: Sequence[KnownVoice], request_id: RequestId) -> Reply:
    """``voice_list``. ``path`` is empty: where a server keeps its files is nobody's business."""
    entries = [
        {"voice_id": voice.voice_id, "description": voice.description, "path": "", "is_cached": True}
        for voice in voices
    ]
    return _reply({"type": "voice_list", "voices": entries, **_about(request_id)})


def _about(request_id: RequestId) -> dict[str, Any]:
    return {} if request_id is None else {"request_id": request_id}


def _reply(body: Mapping[str, Any]) -> Reply:
    return Reply(_encode(body).decode())
