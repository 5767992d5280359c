"""Codec frames to sound, as they come: exactly what one decode of all of them gives, with little done twice.

The decoder (``qwen_tts/core/tokenizer_12hz``, Apache-2.0) is causal. Its transformer looks far back and is continued
with a cache; its convolutions look back a few frames, which are kept and go through them again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from transformers import DynamicCache

from syrinx.core.types import Samples

from .kinds import Tensor
from .ramp import pieces

CONTEXT = 12
"""Frames that the convolutions look back on, at most. Kernels of 7 at 2 and 4 times the frame rate, (6 / 2 + 6 / 4),
one of 7 at 4 times (6 / 4), then after strides of 8, 5, 4 and 3 three each with dilations 1, 3 and 9 (78 samples at 32,
160, 640 and 1920 times), and one sample of overlap at each stride: 9.6 frames."""
FIRST_CONTEXT = 2
"""Frames that the convolution before the transformer looks back on: its kernel is 3."""


class Window:
    """Decodes the frames of one job. ``before``: frames that its speech goes on from, (n, groups), int64."""

    def __init__(self, codec: Any, before: Tensor | None, ramp: tuple[int, int]) -> None:
        self._device = codec.device
        self._decoder = codec.model.decoder
        self._per_row = int(codec.get_decode_upsample_rate())
        self._cache = DynamicCache(config=self._decoder.config)
        self._rows: list[Tensor] = []
        self._hidden: Tensor | None = None
        self._new: list[Tensor] = [] if before is None else list(before)
        if before is not None:
            self._read()
        self._pieces = pieces(*ramp)
        self._wanted = next(self._pieces)

    def push(self, row: Tensor) -> Samples | None:
        """Take a frame, int64 of shape (groups,); returns sound once enough of them are there."""
        self._new.append(row)
        if len(self._new) < self._wanted:
            return None
        self._wanted = next(self._pieces)
        return self._decode()

    def flush(self) -> Samples | None:
        """Return the sound of what is left."""
        return self._decode() if self._new else None

    def _decode(self) -> Samples:
        with torch.inference_mode():
            count = len(self._new)
            vectors = self._read().transpose(1, 2)
            for blocks in self._decoder.upsample:
                for block in blocks:
                    vectors = block(vectors)
            for block in self._decoder.decoder:
                vectors = block(vectors)
            sound = vectors[0, 0, -count * self._per_row :].clamp(-1, 1)
            return np.ascontiguousarray(sound.float().cpu().numpy())

    def _read(self) -> Tensor:
        """Take the new frames through the transformer; returns what it makes of them, and before it of the last ones
        before them, (1, n, width)."""
        with torch.inference_mode():
            new = [row.to(self._device) for row in self._new]
            codes = torch.stack([*self._rows, *new], 1).unsqueeze(0)
            vectors = self._decoder.pre_conv(self._decoder.quantizer.decode(codes))[:, :, len(self._rows) :]
            out = self._decoder.pre_transformer(
                inputs_embeds=vectors.transpose(1, 2), past_key_values=self._cache, use_cache=True
            )
            read = out.last_hidden_state
            read = read if self._hidden is None else torch.cat([self._hidden, read], 1)
            self._hidden = read[:, -CONTEXT:]
            self._rows = [*self._rows, *new][-FIRST_CONTEXT:]
            self._new = []
            return read
