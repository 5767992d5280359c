"""The voices of Kokoro: what their names say, and style vectors, of one voice or a blend. Pure but for NumPy.

A published voice pack has a style for each number of phonemes, float32 [510, 1, 256].
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from syrinx.core.errors import ModelNotReady
from syrinx.models.base import VoiceInfo
from syrinx.models.blend import parse_blend

from .languages import LANGUAGES, MISSING_READER

PACK_SHAPE = (510, 1, 256)
"""Styles for 1 to 510 phonemes; the first half of each is the decoder's, the second the prosody's."""
DEFAULT = "af_heart"
NAME = re.compile(r"([a-z])([fm])_([a-z0-9]+)")
"""Language, gender, name: ``af_heart``."""
GENDERS = {"f": "female", "m": "male"}

Style = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Voices:
    """Those whose file is there."""

    packs: Mapping[str, NDArray[np.float32]]
    """By id, each of ``PACK_SHAPE``."""

    def listed(self, unreadable: frozenset[str]) -> tuple[VoiceInfo, ...]:
        """All voices, the default first; those of languages that are ``unreadable`` here say what they need."""
        names = sorted(self.packs, key=lambda name: (name != DEFAULT, name))
        return tuple(_info(name, unreadable) for name in names)

    def style(self, voice: str, phonemes: int) -> Style:
        """The style of a voice, or a blend, for a piece of that many phonemes: float32 [1, 256]."""
        parts = parse_blend(voice) or ((voice, 1.0),)
        whole = sum(weight for _, weight in parts)
        row = min(max(phonemes, 1), PACK_SHAPE[0]) - 1
        mixed = sum(self.packs[name][row] * np.float32(weight / whole) for name, weight in parts)
        return np.asarray(mixed, np.float32)


def is_voice(name: str) -> bool:
    """Whether a file of that name (without its suffix) is a voice of a language that Kokoro speaks."""
    match = NAME.fullmatch(name)
    return match is not None and match[1] in LANGUAGES


def checked(name: str, pack: object, file: str, remedy: str) -> NDArray[np.float32]:
    """The pack as float32 of ``PACK_SHAPE``. Raises ``ModelNotReady``."""
    array = pack if isinstance(pack, np.ndarray) else None
    if array is None or array.shape != PACK_SHAPE or array.dtype.kind != "f" or not np.isfinite(array).all():
        found = "no array" if array is None else f"{array.dtype} {list(array.shape)}"
        raise ModelNotReady(f"{file}: the voice {name} is no float32 {list(PACK_SHAPE)} but {found}. {remedy}")
    return np.ascontiguousarray(array, np.float32)


def _info(name: str, unreadable: frozenset[str]) -> VoiceInfo:
    match = NAME.fullmatch(name)
    assert match is not None, "only voices with such names are taken"
    code, gender, given = match.groups()
    description = MISSING_READER[code] if code in unreadable else ""
    return VoiceInfo(name, given.capitalize(), (LANGUAGES[code].tag,), GENDERS[gender], description)
