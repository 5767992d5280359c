"""The engine's voices as lists offer them that know a voice by one name and by its languages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from syrinx.engine.voices import ListedVoice
from syrinx.protocols.offered import Listed, Offered, offer
from syrinx.server.chatterbox import request_name

if TYPE_CHECKING:
    from syrinx.engine.engine import Engine


def offered_voices(engine: Engine, listed: Sequence[ListedVoice] | None = None) -> list[Offered]:
    """Every voice of every loaded model, the default model's first. ``listed``: of these only."""
    models = {status.name: status.info for status in engine.models()}
    found = engine.voices.listed() if listed is None else listed
    return offer(
        Listed(request_name(voice), voice.info, info, voice.is_default)
        for voice in found
        if (info := models.get(voice.model)) is not None
    )
