"""What the tests of socket codecs share: a model to resolve to, and actions as plain values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from syrinx.core.errors import VoiceNotFound
from syrinx.core.types import Audio, EncodedAudio, Finished, FinishReason
from syrinx.models.base import ModelInfo, VoiceInfo
from syrinx.protocols.base import Reply

VOICES = ("kavya", "tara")


@dataclass(frozen=True)
class Found:
    info: ModelInfo
    voice: str


@dataclass(frozen=True)
class OneModel:
    """Resolves every request to a model that takes these options."""

    options: tuple[str, ...] = ()

    def __call__(self, model: str | None, voice: str | None) -> Found:
        if voice not in (None, "default", *VOICES):
            raise VoiceNotFound("no such voice", param="voice")
        voices = (VoiceInfo(VOICES[0], "Kavya", ("hi",)),)
        schema: Mapping[str, Any] = {"properties": {name: {"type": "number"} for name in self.options}}
        return Found(ModelInfo("m", "M", 24_000, voices, VOICES[0], "MIT", options_schema=schema), voice or VOICES[0])


def said(items: Sequence[object]) -> list[Any]:
    """Replies of words as values; everything else as it is."""
    return [json.loads(i.message) if isinstance(i, Reply) and isinstance(i.message, str) else i for i in items]


def sound(name: str = "1", data: bytes = b"\1\2\3\4") -> Audio:
    return Audio(name, EncodedAudio(data, len(data) // 4, 24_000, "audio/pcm"))


def done(name: str = "1", reason: FinishReason = FinishReason.COMPLETED, audio_s: float = 0.5) -> Finished:
    return Finished(name, reason, 1, audio_s, 5, "Hello you.")


HEARD = {"spoken_until": 5, "heard": "Hello", "remaining": " you."}
"""What the last message says where ``done`` was canceled."""


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60)
ANYTHING = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


def objects(*names: str) -> st.SearchStrategy[str]:
    """JSON objects with these fields and others, and anything in them."""
    return st.dictionaries(st.sampled_from(names) | st.text(max_size=5), ANYTHING, max_size=6).map(json.dumps)
