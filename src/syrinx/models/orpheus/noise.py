"""The noise that the codec mixes into its sound, the same for a frame whatever window it is decoded in. Pure.

SNAC's decoder draws fresh noise in each of its four blocks, at each call. Here a frame's noise depends on the job's
seed and the frame's place alone, so that windows meet without a seam and a seeded job repeats.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_MASK = (1 << 64) - 1


def noise_of(seed: int, first: int, count: int, sizes: Sequence[int]) -> list[NDArray[np.float32]]:
    """Normal noise of ``count`` frames from ``first`` on: one array a block, float32, shape (count * size,)."""
    bounds = list(itertools.accumulate(sizes, initial=0))
    drawn = np.stack([_frame(seed, first + n, bounds[-1]) for n in range(count)])
    return [drawn[:, low:high].reshape(-1) for low, high in itertools.pairwise(bounds)]


def _frame(seed: int, place: int, size: int) -> NDArray[np.float32]:
    # the counter's low words are the generator's own
    bits = np.random.Philox(key=seed & _MASK, counter=[0, 0, 0, place])
    return np.random.Generator(bits).standard_normal(size, dtype=np.float32)
