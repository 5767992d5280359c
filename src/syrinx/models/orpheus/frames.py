"""Tokens to codec frames. Pure.

Seven tokens are one frame. A token's id says its slot in the frame and its code:
``id = audio_base + 4096 * slot + code`` with slot 0 to 6 and code 0 to 4095 (the published Orpheus and Veena code). A
frame is 2048 samples at 24 kHz: SNAC's hop of 512, and strides of 4, 2 and 1 of its three levels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 24_000
SLOTS = 7
CODES = 4096
SAMPLES_PER_FRAME = 2048
TOKENS_PER_SECOND = SLOTS * SAMPLE_RATE / SAMPLES_PER_FRAME
"""82: what a stream takes to be heard without a gap."""
LEVELS = ((0,), (1, 4), (2, 3, 5, 6))
"""Slots of each level of the codec, the coarse first."""

Frame = tuple[int, ...]
"""Seven codes by slot."""


class Framer:
    """Takes ids as they come and gives whole frames; what belongs to none is left out and the next frame found.

    An id outside the audio range says nothing about where we are, so the frame goes on after it. An audio token of
    another slot than the one that is due means that tokens are missing: what there is of the frame is dropped, and the
    next token of slot 0 begins a new one.
    """

    def __init__(self, audio_base: int) -> None:
        self._base = audio_base
        self._codes: list[int] = []
        self.strays = 0
        """Ids that became part of no frame so far, those of a frame that is not whole yet apart."""

    def feed(self, ids: Iterable[int]) -> list[Frame]:
        """Return the frames that these ids complete."""
        frames: list[Frame] = []
        for token in ids:
            self._put(token)
            if len(self._codes) == SLOTS:
                frames.append(tuple(self._codes))
                self._codes = []
        return frames

    def _put(self, token: int) -> None:
        slot, code = divmod(token - self._base, CODES)
        if not 0 <= slot < SLOTS:
            self.strays += 1
            return
        if slot != len(self._codes):
            self.strays += len(self._codes)
            self._codes = []
        if slot == len(self._codes):
            self._codes.append(code)
        else:
            self.strays += 1


def tokens_of(frames: Iterable[Frame], audio_base: int) -> list[int]:
    """The ids that mean these frames."""
    return [audio_base + CODES * slot + code for frame in frames for slot, code in enumerate(frame)]


def levels_of(frames: Sequence[Frame]) -> tuple[NDArray[np.int64], ...]:
    """The codec's three levels, int64, shapes (n,), (2n,) and (4n,)."""
    codes = np.array(frames, np.int64).reshape(-1, SLOTS)
    return tuple(codes[:, slots].reshape(-1) for slots in LEVELS)
