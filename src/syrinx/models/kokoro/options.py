"""The options of the kokoro model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from syrinx.models.device import DeviceOptions
from syrinx.models.options import Range


@dataclass(frozen=True, slots=True, kw_only=True)
class KokoroOptions(DeviceOptions):
    """How the kokoro model is loaded; ``docs/models/kokoro.md`` says more."""

    weights: Annotated[str, Range(description="Folder or repository of the checkpoint")] = ""
    batch: Annotated[
        int, Range(ge=1, le=64, description="Most jobs of one step on a GPU; a CPU takes one at a time")
    ] = 8
