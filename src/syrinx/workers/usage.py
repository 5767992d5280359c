"""Who was given how much of late: sums that fade, so that the past is forgiven and the idle gather no claims."""

from __future__ import annotations

import math
from collections.abc import Hashable

FORGET_S = 5.0
"""Time in which a sum fades to 1/e: longer than any batch, shorter than an utterance."""
RESCALE_AT = 1e9
NEGLIGIBLE = 1e-6


class Usage:
    """Fading sums by key. All fade alike, so they are kept unfaded and only new amounts grow; rescaled now and then.

    Serving always who has least for its weight gives everyone who wants it a rate in proportion to that weight.
    """

    def __init__(self, forget_s: float = FORGET_S) -> None:
        self._forget_s = forget_s
        self._sums: dict[Hashable, float] = {}
        self._scale = 1.0
        self._at: float | None = None

    def __len__(self) -> int:
        return len(self._sums)

    def of(self, key: Hashable) -> float:
        """Return the faded sum of ``key`` as of the last ``charge`` (0 where nothing is known)."""
        return self._sums.get(key, 0.0) / self._scale

    def charge(self, now: float, key: Hashable, amount: float) -> None:
        """Add ``amount`` (>= 0) at time ``now``, which never goes back."""
        if self._at is not None:
            self._scale *= math.exp(min((now - self._at) / self._forget_s, 700.0))  # 700: the most exp takes
        self._at = now
        if self._scale > RESCALE_AT:
            self._rescale()
        self._sums[key] = self._sums.get(key, 0.0) + amount * self._scale

    def _rescale(self) -> None:
        """Bring the scale back to 1 and forget who has faded away: this also bounds the table."""
        self._sums = {k: v / self._scale for k, v in self._sums.items() if v / self._scale > NEGLIGIBLE}
        self._scale = 1.0
