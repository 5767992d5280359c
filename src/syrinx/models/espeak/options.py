"""The options of the espeak model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from syrinx.models.options import Range


@dataclass(frozen=True, slots=True)
class EspeakOptions:
    """How the espeak model is loaded; ``docs/models/espeak.md`` says more."""

    slots: Annotated[
        int, Range(ge=1, le=64, description="Jobs synthesised at the same time: a private library and a thread each")
    ] = 4
    """With four, the median first audio of six jobs at once is under 1 ms (two: 7 ms); each takes 0.5 MB."""
