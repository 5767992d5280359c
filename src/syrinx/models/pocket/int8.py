"""Int8 layers that treat each token by itself, so that a job sounds alike whoever shares its steps.

torch's dynamic int8 linear chooses one range for all the numbers it is given: a loud row would make the others coarse.
Here each token is brought to the range [-1, 1] first, which is finer too.
"""

from __future__ import annotations

from typing import Any

import torch

from .attention import Tensor

SILENT = 1e-12
"""Least range of a token."""


class TokenInt8:
    """Stands in for the ``forward`` of one dynamic int8 linear layer without bias."""

    def __init__(self, module: Any) -> None:
        self._forward = module.forward
        self._fence: Tensor = None

    def __call__(self, x: Tensor) -> Tensor:
        """``[..., width]`` to ``[..., outputs]``, float32."""
        tokens = x.reshape(-1, x.shape[-1])
        if self._fence is None:  # a token with both ends of the range, so that it is always the same
            self._fence = tokens.new_zeros(1, tokens.shape[-1])
            self._fence[0, 0], self._fence[0, 1] = -1.0, 1.0
        scale = tokens.abs().amax(-1, keepdim=True).clamp_min(SILENT)
        y = self._forward(torch.cat([tokens / scale, self._fence]))[:-1] * scale
        return y.view(*x.shape[:-1], -1)


def adopt(transformer: Any) -> None:
    """Let the int8 layers of a transformer of pocket-tts, as ``quantize`` made them, treat tokens singly."""
    for block in transformer.layers:
        for layer in (block.self_attn.in_proj, block.self_attn.out_proj, block.linear1, block.linear2):
            assert layer.bias() is None
            layer.forward = TokenInt8(layer)
