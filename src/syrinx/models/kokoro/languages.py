"""The languages of Kokoro: their letter, their tag, and what reads them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from syrinx.core.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Language:
    """One language."""

    tag: str
    """BCP 47."""
    espeak: str = ""
    """Its name in espeak-ng, where that turns its text into phonemes."""


LANGUAGES: Mapping[str, Language] = MappingProxyType(
    {
        "a": Language("en-US"),
        "b": Language("en-GB"),
        "e": Language("es", "es"),
        "f": Language("fr-FR", "fr-fr"),
        "h": Language("hi", "hi"),
        "i": Language("it", "it"),
        "j": Language("ja"),
        "p": Language("pt-BR", "pt-br"),
        "z": Language("zh-CN"),
    }
)
"""By the first letter of a voice's name (``LANG_CODES`` of kokoro 0.9.4)."""

MISSING_READER = {
    "j": "Japanese needs fugashi, unidic-lite, jaconv and mojimoji in the model's environment.",
    "z": "Chinese needs jieba, pypinyin, cn2an and ordered-set in the model's environment.",
}

_ANY = ("", "auto", "und", "mul")
"""Tags that name no language."""


def code_of(tag: str, voice_code: str) -> str:
    """The letter of the language to read text in; the voice's own where the tag names none, or only English.

    Raises ``InvalidRequest`` for a language that Kokoro was not trained on.
    """
    wanted = tag.lower().replace("_", "-")
    if wanted in _ANY:
        return voice_code
    for code, language in LANGUAGES.items():
        if wanted == language.tag.lower():
            return code
    found = [code for code, language in LANGUAGES.items() if language.tag.split("-")[0].lower() == wanted.split("-")[0]]
    if voice_code in found:
        return voice_code
    if not found:
        spoken = ", ".join(language.tag for language in LANGUAGES.values())
        raise InvalidRequest(
            f"The model does not speak {tag[:40]!r}; it speaks {spoken}.", code="unsupported_language", param="language"
        )
    return found[0]
