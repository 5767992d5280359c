"""The options of the Qwen model: which weights, where they compute, and how audio leaves them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from syrinx.models.device import DeviceOptions
from syrinx.models.options import Range

Attention = Literal["auto", "flash_attention_2", "sdpa", "eager"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QwenOptions(DeviceOptions):
    """``docs/models/qwen.md`` says what each is for."""

    weights: Annotated[
        str, Range(description="Folder of the checkpoint, or a repository: it decides what the model can do")
    ] = ""
    attention: Annotated[
        Attention,
        Range(description="How attention is computed; flash_attention_2 falls back to sdpa where it cannot run"),
    ] = "auto"
    speaker: Annotated[str, Range(description="Default voice, in any case; empty: Ryan, else the first")] = ""
    graphs: Annotated[
        bool, Range(description="Use CUDA graphs where faster-qwen3-tts is installed and the device is CUDA")
    ] = True
    max_seconds: Annotated[
        float, Range(ge=1, le=600, description="Most audio of one segment, should the model find no end")
    ] = 120.0
    first_rows: Annotated[int, Range(ge=1, le=100, description="Codec frames in the first audio, of 80 ms each")] = 2
    most_rows: Annotated[int, Range(ge=1, le=300, description="Codec frames decoded at once later on")] = 24
