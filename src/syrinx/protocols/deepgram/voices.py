"""Which voice a ``model`` means: at Deepgram the model names the voice, so a name of ours may be either."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from syrinx.core.errors import ModelNotFound, VoiceNotFound
from syrinx.models.base import ModelInfo, VoiceInfo
from syrinx.protocols.offered import MODEL_MARK, primary
from syrinx.protocols.options import Found, Resolve
from syrinx.voices.aliases import OPENAI_VOICES

AURA = re.compile(r"aura(?:-2)?-([a-z]+)-([a-z]{2})")
"""The vendor's names: generation, voice, language (its list of voices, TTS models)."""
USUAL = ("asteria", "thalia")
"""The vendor's default and the voice of its examples, which clients send unasked: they mean our default voice."""
MASCULINE = frozenset(
    {
        *("angus", "apollo", "arcas", "aries", "atlas", "draco", "helios", "hermes", "hyperion", "jupiter", "mars"),
        *("neptune", "odysseus", "orion", "orpheus", "perseus", "pluto", "saturn", "zeus"),
        *("alvaro", "aquila", "javier", "luciano", "nestor", "sirio", "valerio"),  # es
        *("fabian", "julius", "lars", "roman", "sander", "hector"),  # de, nl, fr
        *("cesare", "dionisio", "elio", "flavio", "ebisu", "fujin"),  # it, ja
    }
)
"""The vendor's voices that it calls masculine; all others count as feminine."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a ``model`` came to."""

    model: str | None
    voice: str | None
    language: str | None
    """A tag of the voice's; None: its first."""
    found: Found
    speaks: bool = True
    """False: nobody here speaks the language of the vendor's voice, and our default voice stands in."""

    @property
    def name(self) -> str:
        """What the client is told is speaking; as a ``model`` it means the same voice."""
        return f"{self.found.info.name}{MODEL_MARK}{self.found.voice}"


def choose(name: str | None, resolve: Resolve) -> Chosen:
    """Find what ``name`` means: a model of ours, a voice of ours, ``model/voice``, or one of the vendor's voices.

    Raises ``VoiceNotFound`` (``param`` is ``"model"``), ``ModelNotReady``.
    """
    if not name:
        return Chosen(None, None, None, resolve(None, None))
    try:
        return Chosen(name, None, None, resolve(name, None))
    except ModelNotFound:
        pass
    try:
        return Chosen(None, name, None, resolve(None, name))
    except VoiceNotFound:
        pass
    if (match := AURA.fullmatch(name)) is not None:
        return _stand_in(match[1], match[2], resolve)
    model, _, voice = name.partition(MODEL_MARK)
    try:
        if not voice:
            raise ModelNotFound("It names no voice of a model either.")
        return Chosen(model, voice, None, resolve(model, voice))
    except (ModelNotFound, VoiceNotFound):
        raise VoiceNotFound(
            f"There is no model or voice {name[:100]!r}; a voice of GET /v1/voices, a model, 'model/voice' and the "
            "vendor's aura-... names are known.",
            param="model",
        ) from None


def _stand_in(name: str, language: str, resolve: Resolve) -> Chosen:
    """One of the default model's voices in that language and of that gender: always the same one for a name."""
    usual = resolve(None, None)
    default = usual.info.voice(usual.voice)
    if default is not None and (tag := _tag(default, language)) is not None:
        if name in USUAL:
            return Chosen(None, None, _unless_first(default, tag), usual)
        alias = _pick(name, [alias for alias, gender in OPENAI_VOICES.items() if gender == _gender(name)])
        return Chosen(None, alias, _unless_first(default, tag), resolve(None, alias))
    voice = _speaker(name, language, usual.info)
    if voice is None:
        return Chosen(None, None, None, usual, speaks=False)
    return Chosen(
        usual.info.name, voice.id, _unless_first(voice, _tag(voice, language)), resolve(usual.info.name, voice.id)
    )


def _speaker(name: str, language: str, info: ModelInfo) -> VoiceInfo | None:
    """Of the voices of that language, which share the first one's variant of it."""
    speakers = [voice for voice in info.voices if _tag(voice, language) is not None]
    if not speakers:
        return None
    alike = [voice for voice in speakers if _tag(voice, language) == _tag(speakers[0], language)]
    return _pick(name, [voice for voice in alike if voice.gender == _gender(name)] or alike)


def _gender(name: str) -> str:
    return "male" if name in MASCULINE else "female"


def _tag(voice: VoiceInfo, language: str) -> str | None:
    return next((tag for tag in voice.languages if primary(tag) == language), None)


def _unless_first(voice: VoiceInfo, tag: str | None) -> str | None:
    return None if tag == voice.languages[0] else tag


def _pick(name: str, among: Sequence[T]) -> T:
    return among[zlib.crc32(name.encode()) % len(among)]
