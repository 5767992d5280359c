"""The options of Chatterbox: how it is loaded, and what a request may say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from syrinx.models.device import DeviceOptions
from syrinx.models.options import Range

Variant = Literal["english", "multilingual", "turbo"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatterboxOptions(DeviceOptions):
    """How it is loaded; ``docs/models/chatterbox.md`` says what each is for."""

    weights: Annotated[str, Range(description="Folder of a checkpoint, or one of its repositories")] = ""
    variant: Annotated[
        Literal["auto", "english", "multilingual", "turbo"],
        Range(description="Which of the models in that folder; auto: the first of english, multilingual, turbo"),
    ] = "auto"
    watermark: Annotated[bool, Range(description="Mark what it says as synthetic, inaudibly (Perth)")] = True
    flow_steps: Annotated[
        int, Range(ge=0, le=50, description="Steps of the flow decoder; 0: the model's own (10, Turbo 2)")
    ] = 0
    first_tokens: Annotated[int, Range(ge=5, le=250, description="Tokens of 40 ms before the first sound")] = 12
    chunk_tokens: Annotated[
        int, Range(ge=0, le=250, description="Tokens of 40 ms of the second chunk of sound; 0: 25, on a CPU 250")
    ] = 0
    most_chunk_tokens: Annotated[
        int, Range(ge=5, le=250, description="Each chunk is twice the one before, up to this many tokens")
    ] = 100
    context_tokens: Annotated[
        int, Range(ge=4, le=250, description="Tokens before a chunk that are decoded again with it")
    ] = 50
    recording_tokens: Annotated[
        int, Range(ge=10, le=250, description="Most tokens of the voice's recording, which each chunk is decoded with")
    ] = 250
    max_tokens: Annotated[
        int, Range(ge=25, le=4000, description="Most tokens of 40 ms of one piece of text; the library's own is 1000")
    ] = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class TurboStyle:
    """What a request to Turbo may say."""

    temperature: Annotated[float, Range(ge=0.05, le=5, description="How freely tokens are drawn")] = 0.8
    repetition_penalty: Annotated[float, Range(ge=1, le=5, description="How much repeated tokens are held back")] = 1.2
    top_p: Annotated[float, Range(gt=0, le=1, description="Draw from the likeliest tokens of this sum")] = 0.95
    top_k: Annotated[int, Range(ge=1, le=6563, description="Draw from this many likeliest tokens")] = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What a request to the English model may say; defaults as in ``ChatterboxTTS.generate``."""

    exaggeration: Annotated[float, Range(ge=0, le=2, description="How emotional; 0.5 is neutral")] = 0.5
    cfg_weight: Annotated[
        float, Range(ge=0, le=3, description="How closely it keeps to the text; lower is slower and freer, 0 is off")
    ] = 0.5
    temperature: Annotated[float, Range(ge=0.05, le=5, description="How freely tokens are drawn")] = 0.8
    repetition_penalty: Annotated[float, Range(ge=1, le=5, description="How much repeated tokens are held back")] = 1.2
    min_p: Annotated[
        float, Range(ge=0, le=1, description="Leave out tokens less likely than this part of the likeliest")
    ] = 0.05
    top_p: Annotated[float, Range(gt=0, le=1, description="Draw from the likeliest tokens of this sum")] = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MultilingualStyle(Style):
    """As ``Style``, with the default of ``ChatterboxMultilingualTTS.generate``."""

    repetition_penalty: Annotated[float, Range(ge=1, le=5, description="How much repeated tokens are held back")] = 2.0


AnyStyle = Style | TurboStyle
STYLES: dict[Variant, type[Style] | type[TurboStyle]] = {
    "english": Style,
    "multilingual": MultilingualStyle,
    "turbo": TurboStyle,
}
