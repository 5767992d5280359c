"""How utterances began: what their later segments go on from, so that a voice of the model's own choice stays. NumPy
only.
"""

from __future__ import annotations

import unicodedata
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from syrinx.core.types import SynthesisJob

ENOUGH_ROWS = 38
"""Codec frames (3 s) that tell a voice: of a recording the model is said to need so much (Qwen3-TTS Technical Report,
arXiv:2601.15621)."""
MOST_KEPT = 256
"""Utterances; of one the server does not tell the end where it was canceled. A beginning of 3 s has 5 kB."""
HANGUL = ("\uac00", "\ud7a3")
"""Wide signs, and yet written with spaces."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The first of an utterance."""

    text: str
    codes: NDArray[np.int64]
    """Shape (frames, groups)."""

    def then(self, text: str, codes: NDArray[np.int64]) -> Opening:
        """With what came after it."""
        return Opening(joined(self.text, text), np.concatenate([self.codes, codes]))


class Openings:
    """By utterance, the last used kept. For one thread."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._kept: OrderedDict[str, Opening] = OrderedDict()

    def before(self, job: SynthesisJob) -> Opening | None:
        """What a segment goes on from; None: it is the first, or nothing is known of those before it."""
        if job.segment_index == 0:
            self._kept.pop(job.utterance_id, None)
        return self._kept.get(job.utterance_id)

    def spoken(self, job: SynthesisJob, text: str, codes: NDArray[np.int64]) -> None:
        """Note a segment that was spoken to its end: the ``text`` that was read and its frames."""
        known = self._kept.pop(job.utterance_id, None)
        if job.is_last or not (job.utterance_id and len(codes)):
            return
        if known is None:
            known = Opening(text, codes)
        elif len(known.codes) < ENOUGH_ROWS:
            known = known.then(text, codes)
        self._kept[job.utterance_id] = known
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)


def joined(before: str, text: str) -> str:
    """Two texts as one, with a space between them where their script has spaces."""
    last = before[-1:]
    wide = bool(last) and unicodedata.east_asian_width(last) in "WF" and not HANGUL[0] <= last <= HANGUL[1]
    return before + text if wide or not last else f"{before} {text}"
