"""Voices as lists of them are offered where a client knows a voice by one name and by the languages it speaks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from syrinx.core.types import SpeechRequest
from syrinx.models.base import ModelInfo, VoiceInfo
from syrinx.voices.aliases import OPENAI_VOICES

MODEL_MARK, LANGUAGE_MARK = "/", "@"
"""What joins a voice's name to its model, and to a language."""

EVERYWHERE = frozenset({*OPENAI_VOICES, "female", "male", "default"})
"""Names that mean a voice on any model (``voices.aliases``)."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A voice in one of its languages."""

    name: str
    """What a request calls it; unique in a list."""
    voice: VoiceInfo
    model: ModelInfo
    languages: tuple[str, ...]
    """Of ``voice.languages`` those that are meant here: variants of one language, the best first; never empty."""
    is_default: bool = False
    """The default voice of the default model in its first language."""

    def request(self) -> SpeechRequest:
        """What an utterance in this voice and language asks for."""
        return SpeechRequest(model=self.model.name, voice=self.voice.id, language=self.languages[0])


@dataclass(frozen=True, slots=True)
class Listed:
    """A voice to offer."""

    name: str
    """What a request to its model calls it."""
    voice: VoiceInfo
    model: ModelInfo
    is_default: bool = False


def offer(voices: Iterable[Listed]) -> list[Offered]:
    """Return each voice once per language: ``name`` for its first, ``name@de`` for the others; and ``model/name``
    where an earlier model has a voice of that name, or the default model, which stands first, is asked by it."""
    offered: list[Offered] = []
    taken: set[str] = set()
    default: str | None = None
    for listed in voices:
        default = default or listed.model.name
        told_apart = listed.name in taken or (listed.model.name != default and listed.name.lower() in EVERYWHERE)
        name = f"{listed.model.name}{MODEL_MARK}{listed.name}" if told_apart else listed.name
        taken.add(name)
        for index, (language, tags) in enumerate(_by_language(listed.voice.languages).items()):
            called = name if index == 0 else f"{name}{LANGUAGE_MARK}{language}"
            first = listed.is_default and index == 0
            offered.append(Offered(called, listed.voice, listed.model, tags, first))
    return offered


def is_marked(name: str) -> bool:
    """Whether a name may be one that only ``named`` knows; the engine knows the others."""
    return MODEL_MARK in name or LANGUAGE_MARK in name


def named(voices: Iterable[Offered], name: str) -> Offered | None:
    """The voice of that name, or None."""
    return next((voice for voice in voices if voice.name == name), None)


def speaking(voices: Sequence[Offered], language: str) -> Offered | None:
    """The voice for a BCP 47 tag (case and ``_`` forgiven): one that speaks just that, else one of the same language;
    of several the default, else the first. None: nobody speaks it."""
    wanted = _plain(language)
    found = [voice for voice in voices if primary(wanted) == primary(voice.languages[0])]
    return min(
        found,
        key=lambda voice: (all(_plain(tag) != wanted for tag in voice.languages), not voice.is_default),
        default=None,
    )


def primary(tag: str) -> str:
    """The language of a tag, without script and region."""
    return _plain(tag).partition("-")[0]


def _plain(tag: str) -> str:
    return tag.lower().replace("_", "-")


def _by_language(tags: Sequence[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for tag in tags:
        found[primary(tag)] = (*found.get(primary(tag), ()), tag)
    return found
