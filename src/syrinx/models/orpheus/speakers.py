"""Who speaks: the voices of Orpheus and of Veena, and what else tells the two models apart. Data."""

from __future__ import annotations

from dataclasses import dataclass

from syrinx.models.base import VoiceInfo

from .prompt import Form

EMOTIONS = ("laugh", "chuckle", "sigh", "cough", "sniffle", "groan", "yawn", "gasp")
"""Orpheus performs ``<laugh>`` and these others."""


@dataclass(frozen=True, slots=True)
class Family:
    """One of the two models."""

    name: str
    title: str
    form: Form
    voices: tuple[VoiceInfo, ...]
    verbatim: str
    """As ``ModelInfo.verbatim``."""
    licence: str
    """As ``ModelInfo.licence``."""


def _english(name: str, gender: str) -> VoiceInfo:
    return VoiceInfo(name, name.capitalize(), ("en",), gender)


def _indian(name: str, gender: str) -> VoiceInfo:
    return VoiceInfo(name, name.capitalize(), ("hi", "en-IN"), gender, "Hindi, English and both mixed")


ORPHEUS = Family(
    name="orpheus",
    title="Orpheus 3B",
    form="orpheus",
    voices=(
        _english("tara", "female"),
        _english("leah", "female"),
        _english("jess", "female"),
        _english("leo", "male"),
        _english("dan", "male"),
        _english("mia", "female"),
        _english("zac", "male"),
        _english("zoe", "female"),
    ),
    verbatim=f"<(?:{'|'.join(EMOTIONS)})>",
    licence="Apache-2.0; weights: Llama 3.2 Community License",
)
VEENA = Family(
    name="veena",
    title="Veena 3B",
    form="veena",
    voices=(
        _indian("kavya", "female"),
        _indian("agastya", "male"),
        _indian("maitri", "female"),
        _indian("vinaya", ""),
    ),
    verbatim="",
    licence="Apache-2.0",
)
