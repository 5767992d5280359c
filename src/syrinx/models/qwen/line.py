"""What is asked of the talker. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass

from .clone import Clone
from .openings import Opening


@dataclass(frozen=True, slots=True)
class Line:
    """One text, and how it is to be spoken."""

    text: str
    language: str
    """The model's name, or ``auto``."""
    speaker: str = ""
    """A name in ``spk_id``; empty: none."""
    instructions: str = ""
    clone: Clone | None = None
    opening: Opening | None = None
    """What was said before in the voice of its choice; never with a clone or a speaker."""
