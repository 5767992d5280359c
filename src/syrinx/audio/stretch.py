"""Faster and slower at the same pitch: FFmpeg's ``atempo`` (overlap-add) in a PyAV filter graph, over an utterance.

Together with the resampler it also shifts pitch: stretch by pitch, then play that faster (``pipeline.plan``).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from syrinx.core.types import Samples

from .encode.libav import audio_frame

MIN_FACTOR, MAX_FACTOR = 0.5, 2.0
"""Of one filter. Below 0.5 ``atempo`` refuses; above 2 it skips samples, and above 6 it aborts the process (an
assertion on its ring of three windows; seen with FFmpeg 8), so other tempos are reached by equal filters in a row."""
BLOCK_S = 0.02
"""The filter is always fed this much at once: below tempo 0.8 its output depends on how the input is cut."""
TAIL_S = 0.2
"""Silence that pushes the last of the sound out of one filter (its window is at most 85 ms)."""


def factors(tempo: float) -> list[float]:
    """Return equal factors of ``tempo`` (> 0), each within ``MIN_FACTOR`` to ``MAX_FACTOR``; none for 1.0."""
    if math.isclose(tempo, 1.0, abs_tol=1e-6):
        return []
    count = max(1, math.ceil(abs(math.log2(tempo)) - 1e-9))
    return [tempo ** (1.0 / count)] * count


class Stretch:
    """Changes the tempo. Delay: 40 to 80 ms per filter. The length out is the length in / tempo, rounded."""

    def __init__(self, sample_rate: int, tempo: float) -> None:
        self._rate = sample_rate
        self._tempo = tempo
        self._factors = factors(tempo)
        self._block = round(sample_rate * BLOCK_S)
        self._waiting = np.empty(0, np.float32)
        self._source: Any = None
        self._sink: Any = None
        self._graph: Any = None
        self._fed = self._taken = self._given = 0

    @property
    def active(self) -> bool:
        """False: samples pass through untouched."""
        return bool(self._factors)

    def push(self, samples: Samples) -> Samples:
        """Return what has come through so far."""
        if not self._factors:
            return samples
        self._taken += len(samples)
        out = self._feed(samples)
        self._given += len(out)
        return out

    def flush(self) -> Samples:
        """Return the tail, cut or filled to the exact length, and free the graph. Called once, last."""
        if not self._factors or not self._taken:
            return np.empty(0, np.float32)
        end = round(self._taken / self._tempo)
        tail = len(self._factors) * max(1.0, self._tempo) * TAIL_S
        blocks = math.ceil(tail * self._rate / self._block) + 1
        missing = max(0, end - self._given)
        rest = self._feed(np.zeros(blocks * self._block, np.float32))[:missing]
        self.close()
        return np.concatenate((rest, np.zeros(missing - len(rest), np.float32)))

    def close(self) -> None:
        """Free the graph; a second call does nothing."""
        self._graph = self._source = self._sink = None

    def _feed(self, samples: Samples) -> Samples:
        self._waiting = np.concatenate((self._waiting, samples))
        whole = len(self._waiting) // self._block * self._block
        ready, self._waiting = self._waiting[:whole], self._waiting[whole:].copy()
        out = [piece for block in ready.reshape(-1, self._block) for piece in self._filter(block)]
        return np.concatenate(out) if out else np.empty(0, np.float32)

    def _filter(self, block: Samples) -> list[Samples]:
        from av.error import BlockingIOError, EOFError

        if self._graph is None:
            self._open()
        self._source.push(audio_frame(block, "flt", self._rate, self._fed))
        self._fed += len(block)
        out: list[Samples] = []
        while True:
            try:
                out.append(self._sink.pull().to_ndarray().reshape(-1))
            except (BlockingIOError, EOFError):  # the filter wants more input
                return out

    def _open(self) -> None:
        from fractions import Fraction

        from av.filter import Graph

        graph = Graph()
        source = last = graph.add_abuffer(
            sample_rate=self._rate, format="flt", layout="mono", time_base=Fraction(1, self._rate)
        )
        for factor in self._factors:
            tempo = graph.add("atempo", f"{factor:.9f}")
            last.link_to(tempo)
            last = tempo
        sink = graph.add("abuffersink")
        last.link_to(sink)
        graph.configure()
        self._graph, self._source, self._sink = graph, source, sink
