"""Exports random weights of the real architecture to ONNX, in the layout that kokoro-onnx publishes.

    python -m tests.neural.kokoro.export FOLDER [--full]

in the environment kokoro with the package onnx added. The graph's inputs and outputs are those of kokoro-onnx 0.6.1's
own export script.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .weights import random_model, voice_packs

_Module: Any = torch.nn.Module


class _Graph(_Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Any, style: Any, speed: Any) -> Any:
        return self.model.forward_with_tokens(input_ids, style, speed)


def export(folder: Path, *, full: bool = False) -> Path:
    """Write ``kokoro-v1.0.onnx`` (tiny: 235 MB, full: 325 MB, about half a minute) and ``voices-v1.0.bin``."""
    folder.mkdir(parents=True, exist_ok=True)
    model = random_model(full=full, disable_complex=True).eval()
    example = (torch.tensor([[0, *range(50, 60), 0]]), torch.randn(1, 256), torch.tensor([1.0]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Graph(model),
            example,
            str(folder / "kokoro-v1.0.onnx"),
            input_names=["input_ids", "style", "speed"],
            output_names=["audio", "duration"],
            dynamic_axes={"input_ids": {1: "n"}, "audio": {0: "samples"}, "duration": {0: "n"}},
            opset_version=17,
            dynamo=False,
        )
    with open(folder / "voices-v1.0.bin", "wb") as file:
        np.savez(file, **{name: pack.numpy() for name, pack in voice_packs().items()})
    return folder


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--full", action="store_true")
    given = parser.parse_args()
    export(given.folder, full=given.full)
