"""Languages and speakers of Qwen3-TTS by their names in its ``config.json``, and ours for them. Pure.

The languages are those of the published checkpoints, the speakers those of the CustomVoice ones; what a checkpoint has
is read from its own configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from syrinx.core.errors import InvalidRequest

AUTO = "auto"
"""The model hears the language from the text."""
TAGS: Mapping[str, str] = MappingProxyType(
    {
        "english": "en",
        "chinese": "zh",
        "japanese": "ja",
        "korean": "ko",
        "german": "de",
        "french": "fr",
        "russian": "ru",
        "portuguese": "pt",
        "spanish": "es",
        "italian": "it",
    }
)
"""BCP 47 tags by the model's names, in the order in which they are listed."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """What is known of a speaker of the CustomVoice checkpoints."""

    name: str
    gender: str
    language: str
    """The one it speaks natively; it speaks all of them."""
    description: str


SPEAKERS: Mapping[str, Speaker] = MappingProxyType(
    {
        "ryan": Speaker("Ryan", "male", "en", "Dynamic, with strong rhythm"),
        "aiden": Speaker("Aiden", "male", "en", "Sunny American, clear"),
        "vivian": Speaker("Vivian", "female", "zh", "Bright and young, slightly edgy"),
        "serena": Speaker("Serena", "female", "zh", "Warm and gentle"),
        "uncle_fu": Speaker("Uncle Fu", "male", "zh", "Seasoned, low and mellow"),
        "dylan": Speaker("Dylan", "male", "zh", "Young, of Beijing, clear and natural"),
        "eric": Speaker("Eric", "male", "zh", "Lively, of Chengdu, slightly husky"),
        "ono_anna": Speaker("Ono Anna", "female", "ja", "Playful and light"),
        "sohee": Speaker("Sohee", "female", "ko", "Warm, rich in emotion"),
    }
)
"""By their names in ``config.json``, lower case; from the model card. Others are listed by name alone."""
PREFERRED = "ryan"
"""The default speaker of the desktop sidecar, where there is one of that name."""


def tags_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return the tags of the model's languages, ours first in our order; what has no tag is left out."""
    known = set(names)
    return tuple(tag for name, tag in TAGS.items() if name in known)


def language_of(tag: str, names: Iterable[str]) -> str:
    """Return the model's name for a BCP 47 tag, by its first subtag; ``auto`` for ``auto`` and for none.

    Raises ``InvalidRequest`` naming what there is.
    """
    known = set(names)
    first = tag.strip().lower().replace("_", "-").partition("-")[0]
    if first in ("", AUTO):
        return AUTO
    for name, ours in TAGS.items():
        if name in known and first in (ours, name):
            return name
    there = ", ".join((AUTO, *tags_of(known)))
    raise InvalidRequest(f"The model qwen does not speak {tag!r}. It speaks: {there}.", param="language")


def first_with(language: str, tags: tuple[str, ...]) -> tuple[str, ...]:
    """Return ``tags`` with that one first, where it is among them."""
    return (language, *(tag for tag in tags if tag != language)) if language in tags else tags
