"""The voices that a checkpoint has by itself. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from syrinx.core.errors import ConfigError
from syrinx.models.base import VoiceInfo

from .checkpoint import Checkpoint, Kind
from .languages import PREFERRED, SPEAKERS, first_with, tags_of

ANY = "any"
"""The voice of a Base checkpoint that was given no recording."""
DESIGNED = "designed"
"""The voice of a VoiceDesign checkpoint."""


def voices_of(found: Checkpoint) -> tuple[VoiceInfo, ...]:
    """Return them, never none: Base and VoiceDesign have one that is another each time.

    A CustomVoice checkpoint without speakers is none (``checkpoint.read``).
    """
    tags = tags_of(found.languages) or ("en",)
    if found.kind is Kind.BASE:
        return (
            VoiceInfo(ANY, "Any voice", tags, description="The model's own choice, another each time; made to clone"),
        )
    if found.kind is Kind.DESIGN:
        return (VoiceInfo(DESIGNED, "By description", tags, description="The voice that 'instructions' describe"),)
    return tuple(_speaker(name, tags) for name in found.speakers)


def default_voice(voices: Sequence[VoiceInfo], wanted: str) -> str:
    """Return the id of the voice that is wanted, in any case; for none, that of Ryan, else the first.

    Raises ``ConfigError`` for one that is not there.
    """
    ids = [voice.id for voice in voices]
    if wanted:
        for name in ids:
            if name.lower() == wanted.strip().lower().replace(" ", "_"):
                return name
        raise ConfigError(f"speaker = {wanted!r}: these weights have {', '.join(ids)}.", param="speaker")
    return PREFERRED if PREFERRED in ids else ids[0]


def _speaker(name: str, tags: tuple[str, ...]) -> VoiceInfo:
    known = SPEAKERS.get(name)
    if known is None:
        return VoiceInfo(name, name.replace("_", " ").title(), tags)
    return VoiceInfo(name, known.name, first_with(known.language, tags), known.gender, known.description)
