"""Voice names that clients use whatever the model: OpenAI's thirteen, and plain ``female`` and ``male``.

Pure. The same name gives the same voice as long as the model's voice list stays the same.
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


REMEMBERED = 1024
"""Names kept with what they mean, so that a model of hundreds of voices is not searched for each utterance."""


class VoiceNames:
    """``voice_for`` on one model, remembering what it found (and nothing of what there is not)."""

    def __init__(self, info: ModelInfo, defaults: VoiceDefaults) -> None:
        self.info = info
        self._defaults = defaults
        self._found: dict[str | None, VoiceInfo] = {}

    def find(self, name: str | None) -> VoiceInfo | None:
        """Return the voice that ``name`` means, or None."""
        voice = self._found.get(name)
        if voice is None:
            voice_id = voice_for(name, self.info, self._defaults)
            voice = None if voice_id is None else self.info.voice(voice_id)
            if voice is not None and len(self._found) < REMEMBERED:
                self._found[name] = voice
        return voice


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
