"""The options of VibeVoice Realtime, and what one request may ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from syrinx.models.device import DeviceOptions
from syrinx.models.options import Range
from syrinx.models.vibevoice.options import Attention, Guidance, MaxFrames, Steps
from syrinx.models.vibevoice.wishes import read_as, schema_of

NAME = "vibevoice-realtime"


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeOptions(DeviceOptions):
    """How VibeVoice Realtime is loaded, and what holds for requests that do not say.

    Steps and guidance are those of its makers' ``demo/realtime_model_inference_from_file.py``.
    """

    weights: Annotated[str, Range(description="Folder of the checkpoint, or its repository; empty: the default")] = ""
    num_diffusion_steps: Steps = 5
    guidance_scale: Guidance = 1.5
    max_frames: MaxFrames = 0
    attention: Annotated[
        Attention, Range(description="How attention is computed; auto: flash_attention_2 where it is installed")
    ] = "auto"


@dataclass(frozen=True, slots=True)
class Wishes:
    """Options of one request; what it does not say is as the model was loaded."""

    num_diffusion_steps: Steps = 5
    guidance_scale: Guidance = 1.5
    max_frames: MaxFrames = 0


def schema(options: RealtimeOptions) -> dict[str, Any]:
    """Return the JSON Schema of a request's options, with the defaults that hold here."""
    return schema_of(Wishes, options)


def read(given: Mapping[str, Any], options: RealtimeOptions) -> Wishes:
    """Check the options of a request. Raises ``InvalidRequest`` whose ``param`` is the name of the wrong one."""
    return read_as(Wishes, NAME, given, options)
