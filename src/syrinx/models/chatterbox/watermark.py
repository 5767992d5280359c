"""Marks speech as synthetic with Resemble's Perth, as it is made: the library marks whole utterances only.

Perth works on a spectrogram with windows of 64 ms, so a piece is marked together with what came before it, and the
last ``FADE`` samples are held back until what follows them is known.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from syrinx.core.errors import ModelFailed, ModelNotReady
from syrinx.core.types import Samples

from .runtime import quiet
from .sound import SAMPLE_RATE

FADE = 960
"""Samples, 40 ms."""
BEFORE = SAMPLE_RATE // 2
"""Samples that a piece is marked together with."""


class Marker(Protocol):
    """Perth's ``WatermarkerBase``."""

    def apply_watermark(self, signal: Samples, sample_rate: int) -> Samples: ...


def marker() -> Marker:
    """Load Perth's own network. Raises ``ModelNotReady`` where speech could not be marked."""
    with quiet():
        import perth

        if perth.PerthImplicitWatermarker is None:  # pyright: ignore[reportUnnecessaryComparison]  it hides its ImportError
            raise ModelNotReady(
                "Speech cannot be marked as synthetic: Perth does not load here (it needs setuptools below 81). "
                "Build the environment anew (syrinx models install chatterbox), or say watermark = false."
            )
        made: Any = perth.PerthImplicitWatermarker()
        return made


class Marking:
    """Marks one utterance; with no marker it passes everything on."""

    def __init__(self, marker: Marker | None) -> None:
        self._marker = marker
        self._before = np.empty(0, np.float32)
        self._held = np.empty(0, np.float32)

    def push(self, samples: Samples) -> Samples:
        """Take more; give what is marked, ``FADE`` samples less."""
        if self._marker is None or len(samples) == 0:
            return samples
        both = np.concatenate([self._before, samples])
        marked = self._marked(both)[len(self._before) - len(self._held) :]
        held = len(self._held)
        if held:
            rise = ((np.arange(held) + 0.5) / held).astype(np.float32)
            marked[:held] = marked[:held] * rise + self._held * (1 - rise)
        ready = max(0, len(marked) - FADE)
        self._before, self._held = both[-BEFORE:], marked[ready:].copy()
        return marked[:ready]

    def finish(self) -> Samples:
        """Give what was held back."""
        held, self._held = self._held, np.empty(0, np.float32)
        return held

    def _marked(self, samples: Samples) -> Samples:
        assert self._marker is not None
        try:
            marked = np.asarray(self._marker.apply_watermark(samples, sample_rate=SAMPLE_RATE), np.float32)
        except Exception as error:
            raise ModelFailed(f"Speech could not be marked as synthetic: {str(error)[:200]}") from error
        if marked.shape != samples.shape or not np.isfinite(marked).all():
            raise ModelFailed("Speech could not be marked as synthetic: the marked samples are not as many.")
        return np.clip(marked, -1.0, 1.0)
