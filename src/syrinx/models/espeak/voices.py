"""The voices of espeak-ng: every language is one, and every variant changes the timbre of any of them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from syrinx.models.base import VoiceInfo, VoiceVariant

from .binding import RawVoice

DEFAULT_VOICE = "en-us"
GENDERS = {1: "male", 2: "female"}
VARIANT_FOLDER = "!v/"


@dataclass(frozen=True, slots=True)
class VoiceTable:
    """What the model lists, and what the library calls it."""

    voices: tuple[VoiceInfo, ...]
    """The default language, its numbered variants (f1, m1, ...), then every other language by id."""
    variants: tuple[VoiceVariant, ...]
    identifiers: dict[str, str]
    """Language voice id to ``RawVoice.identifier``."""

    def native_name(self, voice_id: str) -> str:
        """Return what selects a valid voice id in the library: ``"en-us+f3"`` is ``"gmw/en-US+f3"``."""
        language, sign, variant = voice_id.partition("+")
        return self.identifiers[language] + sign + variant


def voice_table(raw: Sequence[RawVoice], variants: Sequence[RawVoice], unusable: Collection[str] = ()) -> VoiceTable:
    """Name the library's voices. ``unusable``: identifiers to leave out (their dictionaries are not in the data)."""
    languages: dict[str, RawVoice] = {}
    for voice in raw:
        if voice.identifier in unusable:
            continue
        tag = voice.languages[0].lower()
        languages[tag if tag not in languages else _file_name(voice).lower()] = voice
    all_variants = tuple(
        VoiceVariant("+" + voice.identifier.removeprefix(VARIANT_FOLDER), voice.name, GENDERS.get(voice.gender, ""))
        for voice in variants
    )
    plain = {tag: _voice_info(tag, voice) for tag, voice in sorted(languages.items())}
    default = plain.pop(DEFAULT_VOICE)
    numbered = [_varied(default, variant) for variant in all_variants if variant.suffix[2:].isdigit()]
    identifiers = {tag: voice.identifier for tag, voice in languages.items()}
    return VoiceTable((default, *numbered, *plain.values()), all_variants, identifiers)


def bcp47(tag: str) -> str:
    """Write a language tag in the usual case: ``en-us`` is ``en-US``, ``fa-latn`` is ``fa-Latn``."""
    language, *rest = tag.split("-")
    written = [language.lower()]
    for part in rest:
        if "x" in (p.lower() for p in written):
            written.append(part.lower())
        elif len(part) == 2:
            written.append(part.upper())
        elif len(part) == 4 and part.isalpha():
            written.append(part.title())
        else:
            written.append(part.lower())
    return "-".join(written)


def _voice_info(voice_id: str, raw: RawVoice) -> VoiceInfo:
    return VoiceInfo(voice_id, raw.name, tuple(bcp47(tag) for tag in raw.languages), GENDERS.get(raw.gender, ""))


def _varied(base: VoiceInfo, variant: VoiceVariant) -> VoiceInfo:
    name = f"{base.name}, {variant.name}"
    return VoiceInfo(base.id + variant.suffix, name, base.languages, variant.gender or base.gender)


def _file_name(voice: RawVoice) -> str:
    return voice.identifier.rpartition("/")[2]
