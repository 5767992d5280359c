"""How much slower streams come than was measured when they were let go, as far as that was seen. Pure.

Later frames cost more than early ones (there is more to attend to), audio that goes out costs what held audio does not,
and streams that join share the batches.
"""

from __future__ import annotations

import math
from collections import deque

from .lengths import KEPT, SHARE

LONG_ENOUGH_S = 1.0
"""A rest made in less time says little: one slow step is a tenth of it."""
LEAST = 0.5
"""Slower than that is no slowing, but a machine that had something else to do: to expect it again helps nobody."""


class SpeedDoubt:
    """What was measured is believed to this share."""

    def __init__(self, doubt: float) -> None:
        """``doubt``: the most that is ever believed, and what is said while nothing was seen."""
        self._doubt = doubt
        self._ratios: deque[float] = deque(maxlen=KEPT)

    def heard(self, measured: float, rest_s: float, took_s: float) -> None:
        """Count a stream that was let go at a speed ``measured`` (> 0) and made the ``rest_s`` of it in ``took_s``."""
        if took_s >= LONG_ENOUGH_S and rest_s > 0:
            self._ratios.append(rest_s / took_s / measured)

    @property
    def doubt(self) -> float:
        """The share, above 0 and at most 1: ``SHARE`` of the streams were no slower."""
        if not self._ratios:
            return self._doubt
        slow = sorted(self._ratios)[len(self._ratios) - math.ceil(SHARE * len(self._ratios))]
        return min(self._doubt, max(LEAST, slow))
