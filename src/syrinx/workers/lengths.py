"""How much longer speech lasts than is expected of its text, as far as a model was heard. Pure."""

from __future__ import annotations

import math
from collections import deque

LONG_ENOUGH_S = 1.0
"""An utterance of which less is expected says nothing: a breath before one word is longer than the word."""
KEPT = 64
"""Utterances looked back on: some minutes of a busy model."""
ENOUGH = 8
"""With fewer, what was doubted of any model still counts."""
SHARE = 0.9
"""So many of the utterances lasted no longer than is said."""


class LengthDoubt:
    """Speech lasts up to so many times what is expected of it."""

    def __init__(self, doubt: float) -> None:
        """``doubt``: what is said while little was heard."""
        self._doubt = doubt
        self._ratios: deque[float] = deque(maxlen=KEPT)

    def heard(self, expected_s: float, made_s: float) -> None:
        """Count an utterance that was spoken to its end."""
        if expected_s >= LONG_ENOUGH_S and made_s > 0:
            self._ratios.append(made_s / expected_s)

    @property
    def doubt(self) -> float:
        """How many times, > 0."""
        if len(self._ratios) < ENOUGH:
            return max(self._doubt, *self._ratios) if self._ratios else self._doubt
        return sorted(self._ratios)[math.ceil(SHARE * len(self._ratios)) - 1]
