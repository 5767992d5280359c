"""The options of the tone model: how fast it pretends to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from syrinx.models.options import Range


@dataclass(frozen=True, slots=True)
class ToneOptions:
    """How the tone model behaves; ``docs/models/tone.md`` says what each is for."""

    x_realtime: Annotated[
        float, Range(gt=0, le=1_000_000, description="Seconds of audio made per second, for each job of a step")
    ] = 100.0
    first_chunk_ms: Annotated[
        float, Range(ge=0, le=60_000, description="Extra time of a step in which jobs make their first chunk")
    ] = 0.0
    chunk_ms: Annotated[float, Range(ge=1, le=10_000, description="Audio made per step and job")] = 40.0
    load_s: Annotated[float, Range(ge=0, le=3600, description="Time that loading takes")] = 0.0
    max_batch: Annotated[int, Range(ge=1, le=4096, description="Jobs advanced by one step")] = 8
