"""The options of VibeVoice, and what one request may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from syrinx.models.device import DeviceOptions
from syrinx.models.options import Range

from .wishes import read_as, schema_of

Steps = Annotated[int, Range(ge=1, le=100, description="Denoising steps of each frame: fewer are faster and rougher")]
Guidance = Annotated[
    float, Range(ge=1, le=10, description="How closely a frame follows text and voice; 1: unguided, and faster")
]
MaxFrames = Annotated[
    int, Range(ge=0, le=40_000, description="Most frames (133 ms) of one segment; 0: as many as its text may need")
]
Attention = Literal["auto", "sdpa", "eager", "flash_attention_2"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VibeVoiceOptions(DeviceOptions):
    """How VibeVoice is loaded, and what holds for requests that do not say."""

    weights: Annotated[str, Range(description="Folder of the checkpoint, or its repository; empty: the default")] = ""
    num_diffusion_steps: Steps = 10
    guidance_scale: Guidance = 1.3
    max_frames: MaxFrames = 0
    attention: Annotated[
        Attention, Range(description="How attention is computed; auto: flash_attention_2 where it is installed")
    ] = "auto"


@dataclass(frozen=True, slots=True)
class Wishes:
    """Options of one request; what it does not say is as the model was loaded."""

    num_diffusion_steps: Steps = 10
    guidance_scale: Guidance = 1.3
    max_frames: MaxFrames = 0


def schema(options: VibeVoiceOptions) -> dict[str, Any]:
    """Return the JSON Schema of a request's options, with the defaults that hold here."""
    return schema_of(Wishes, options)


def read(given: Mapping[str, Any], options: VibeVoiceOptions) -> Wishes:
    """Check the options of a request. Raises ``InvalidRequest`` whose ``param`` is the name of the wrong one."""
    return read_as(Wishes, "vibevoice", given, options)
