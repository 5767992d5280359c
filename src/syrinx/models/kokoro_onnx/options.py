"""The options of the kokoro-onnx model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from syrinx.models.options import Range


@dataclass(frozen=True, slots=True, kw_only=True)
class KokoroOnnxOptions:
    """How the kokoro-onnx model is loaded; ``docs/models/kokoro-onnx.md`` says more."""

    weights: Annotated[str, Range(description="Folder or repository of the checkpoint")] = ""
    file: Annotated[
        str,
        Range(pattern=r"^[\w.-]*$", description="Which .onnx file of the folder; empty: the only one, or the largest"),
    ] = ""
    threads: Annotated[int, Range(ge=0, le=256, description="CPU threads; 0: a fair share of the cores")] = 0
