"""Voice names that clients use whatever the model: OpenAI's thirteen, and plain ``female`` and ``male``.

Pure data and one function. The same name gives the same voice as long as the model's voice list stays the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from syrinx.models.base import ModelInfo, VoiceInfo

OPENAI_VOICES: dict[str, str] = {
    "alloy": "female",
    "ash": "male",
    "ballad": "male",
    "cedar": "male",
    "coral": "female",
    "echo": "male",
    "fable": "male",
    "marin": "female",
    "nova": "female",
    "onyx": "male",
    "sage": "female",
    "shimmer": "female",
    "verse": "male",
}
"""The voices of OpenAI's speech API (API reference, audio/createSpeech) and how each is commonly heard."""


@dataclass(frozen=True, slots=True)
class VoiceDefaults:
    """The operator's choice for the plain names; empty: the model's first voice of that gender."""

    female: str = ""
    male: str = ""


def voice_for(name: str | None, info: ModelInfo, defaults: VoiceDefaults) -> str | None:
    """Return the id of the voice that ``name`` means on this model, or None if it means none.

    None, ``""`` and ``"default"`` mean the model's default. The model's own ids win over aliases. ``female`` and
    ``male`` are matched in any case.
    """
    if name is None or name in ("", "default"):
        return info.default_voice
    if info.voice(name) is not None:
        return name
    lowered = name.lower()
    if lowered in ("female", "male"):
        chosen = defaults.female if lowered == "female" else defaults.male
        if chosen and info.voice(chosen) is not None:
            return chosen
        return _nth(_of_gender(info, lowered), 0, info)
    gender = OPENAI_VOICES.get(lowered)
    if gender is None:
        return None
    rank = [other for other, kind in OPENAI_VOICES.items() if kind == gender].index(lowered)
    return _nth(_of_gender(info, gender), rank, info)


def _of_gender(info: ModelInfo, gender: str) -> list[VoiceInfo]:
    """Voices of that gender in the default voice's language; without any, every voice of that language."""
    default = info.voice(info.default_voice)
    language = default.languages[0] if default is not None else ""
    native = [voice for voice in info.voices if voice.languages[0] == language]
    return [voice for voice in native if voice.gender == gender] or native


def _nth(voices: Sequence[VoiceInfo], rank: int, info: ModelInfo) -> str:
    return voices[rank % len(voices)].id if voices else info.default_voice
