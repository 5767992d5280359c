"""The options of the pocket model: what it is loaded with, and what a request may ask."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from syrinx.models.device import DeviceOptions
from syrinx.models.options import Range

Temperature = Annotated[float, Range(ge=0, le=2, description="Variance of the sampling noise; 0: always the same")]
EosThreshold = Annotated[
    float, Range(ge=-100, le=100, description="Speech ends where the model's end logit passes it: higher ends later")
]
NoiseClamp = Annotated[float, Range(gt=0, le=100, description="Largest noise sampled")]
FramesAfterEos = Annotated[
    int, Range(ge=0, le=100, description="Codec frames (80 ms) still spoken after the end logit")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PocketOptions(DeviceOptions):
    """How the pocket model is loaded; ``docs/models/pocket.md`` says more. None: as the checkpoint says."""

    weights: Annotated[str, Range(description="Folder of the checkpoint, or a repository that was installed")] = ""
    config: Annotated[
        str,
        Range(
            max_length=400,
            description="Language and size: a configuration of pocket-tts (english, french_24l, english_2m_2026-10 "
            "...) or a yaml file; empty: the one that the weights hold",
        ),
    ] = ""
    quantize: Annotated[bool, Range(description="Transformer weights as int8: half the memory, CPU only")] = False
    max_batch: Annotated[
        int, Range(ge=0, le=256, description="Jobs advanced by one step; 0: 8 on a CPU, 64 on a GPU")
    ] = 0
    overlap: Annotated[
        int,
        Range(
            ge=0,
            le=256,
            description="Most jobs of a step for which codec and language model compute side by side, each on half of "
            "the CPU threads; in larger steps they follow each other with all threads",
        ),
    ] = 2
    voice: Annotated[str, Range(max_length=100, description="Default voice; empty: the language's own")] = ""
    voices: Annotated[str, Range(description="Folder of further voices, .safetensors of pocket-tts export-voice")] = ""
    language: Annotated[
        str, Range(pattern=r"^([a-z]{2,3}(-[A-Za-z0-9]{2,8})*)?$", description="BCP 47 tag; empty: as config is named")
    ] = ""
    temperature: Temperature | None = None
    eos_threshold: EosThreshold | None = None
    noise_clamp: NoiseClamp | None = None
    decode_steps: Annotated[
        int, Range(ge=1, le=64, description="Steps of the sampler for a codec frame; more are slower")
    ] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOptions:
    """What a request may ask; None: as the model was loaded."""

    temperature: Temperature | None = None
    eos_threshold: EosThreshold | None = None
    noise_clamp: NoiseClamp | None = None
    frames_after_eos: FramesAfterEos | None = None
