"""The options of whisper: which weights, and how they are computed with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from syrinx.models.options import Range


@dataclass(frozen=True, slots=True)
class WhisperOptions:
    """``docs/models/whisper.md`` says more."""

    weights: Annotated[
        str, Range(description="Folder or repository of a CTranslate2 Whisper; empty: the first that is installed")
    ] = ""
    device: Annotated[Literal["auto", "cpu", "cuda"], Range(description="auto: a GPU where CTranslate2 finds one")] = (
        "cpu"
    )
    compute_type: Annotated[
        Literal["default", "int8", "int8_float32", "float32", "int8_float16", "float16", "bfloat16"],
        Range(description="Numbers it computes with; default: those of the weights"),
    ] = "default"
