"""Model options that a dialect's own fields stand for: handed to a model that takes them, else told as not applied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from syrinx.core.errors import VoiceNotFound
from syrinx.core.types import SpeechRequest
from syrinx.models.base import ModelInfo


class Found(Protocol):
    """What a request's model and voice resolve to; ``engine.catalog.Choice`` is one."""

    @property
    def info(self) -> ModelInfo: ...
    @property
    def voice(self) -> str: ...


Resolve = Callable[[str | None, str | None], Found]
"""Called with (model, voice); raises ``VoiceNotFound``, ``ModelNotFound`` or ``ModelNotReady``. Must not block."""


def with_options(
    request: SpeechRequest, wanted: Mapping[str, Any], info: ModelInfo
) -> tuple[SpeechRequest, tuple[str, ...]]:
    """Return ``request`` with those of ``wanted`` that the model takes, and the names of those that it does not."""
    taken = info.options_schema.get("properties", {})
    options = {name: value for name, value in wanted.items() if name in taken}
    left_out = tuple(name for name in wanted if name not in taken)
    return replace(request, options={**request.options, **options}) if options else request, left_out


def with_stand_in(
    request: SpeechRequest, resolve: Resolve, stand_ins: Mapping[str, str]
) -> tuple[SpeechRequest, Found]:
    """Find the voice; one that a dialect's clients name unasked has a stand-in where the model does not know it.

    Raises ``VoiceNotFound``, ``ModelNotFound``, ``ModelNotReady``."""
    try:
        return request, resolve(request.model, request.voice)
    except VoiceNotFound:
        stand_in = stand_ins.get(request.voice or "")
        if stand_in is None:
            raise
        return replace(request, voice=stand_in), resolve(request.model, stand_in)
