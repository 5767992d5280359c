"""Codec frames to sound, as they come: pieces by the ramp, each decoded with the frames before it as context.

The decoder is causal, so a piece needs nothing of what follows. Of what came before, the library itself gives it 25
frames where it decodes long speech in pieces (``chunked_decode``).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from syrinx.core.types import Samples

from .kinds import Tensor
from .ramp import pieces


class Window:
    """Decodes the frames of one job. ``before``: frames that its speech goes on from, (n, groups), int64."""

    def __init__(self, codec: Any, before: Tensor | None, ramp: tuple[int, int], context: int) -> None:
        self._codec = codec
        self._per_row = int(codec.get_decode_upsample_rate())
        self._context = context
        self._kept = [] if before is None else list(before[-context:])
        self._new: list[Tensor] = []
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
        rows = [row.to(self._codec.device) for row in (*self._kept, *self._new)]
        heard, _ = self._codec.decode({"audio_codes": torch.stack(rows).unsqueeze(0)})
        samples = np.ascontiguousarray(heard[0][len(self._kept) * self._per_row :], np.float32)
        self._kept = rows[-self._context :]
        self._new = []
        return samples
