"""A cloned voice as the model needs it: what is kept of a recording, and the check of what was kept. NumPy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from syrinx.core.errors import InvalidRequest
from syrinx.models.base import Tensors

SPEAKER = "ref_spk_embedding"
CODES = "ref_code"
TEXT = "ref_text"
"""Names of the tensors, those of the library's ``VoiceClonePromptItem``."""
MAX_ROWS = 12 * 61 + 61
"""Codec frames of a recording: a minute of them."""
MAX_TEXT_BYTES = 8000


@dataclass(frozen=True, slots=True)
class Clone:
    """A voice. With its recording's codes and text, speech goes on from them; else it takes the timbre alone."""

    speaker: NDArray[np.float32]
    """Shape (hidden,): the talker's width."""
    codes: NDArray[np.int64] | None = None
    """Shape (frames, groups): the recording through the codec."""
    text: str = ""
    """What it says; set if and only if ``codes`` is."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What fits a loaded model."""

    hidden: int
    groups: int
    codes: int
    """Size of the codebooks."""


def tensors_of(clone: Clone) -> Tensors:
    """Return a voice as plain arrays; text as its UTF-8."""
    kept: dict[str, NDArray[np.generic]] = {SPEAKER: clone.speaker}
    if clone.codes is not None:
        kept[CODES] = clone.codes
        kept[TEXT] = np.frombuffer(clone.text.encode(), np.uint8)
    return kept


def clone_in(tensors: Tensors, shape: Shape) -> Clone:
    """Read a voice back, looking at everything. Raises ``InvalidRequest`` (``bad_prompt``)."""
    if set(tensors) not in ({SPEAKER}, {SPEAKER, CODES, TEXT}):
        raise _bad(f"it holds {', '.join(sorted(tensors))[:200]}")
    speaker = tensors[SPEAKER]
    if speaker.dtype != np.float32 or speaker.shape != (shape.hidden,) or not np.isfinite(speaker).all():
        raise _bad(f"{SPEAKER} is not {shape.hidden} finite float32 numbers, which these weights need")
    if CODES not in tensors:
        return Clone(speaker.astype(np.float32))
    return Clone(speaker.astype(np.float32), _codes_in(tensors[CODES], shape), _text_in(tensors[TEXT]))


def _codes_in(codes: NDArray[np.generic], shape: Shape) -> NDArray[np.int64]:
    if codes.dtype != np.int64 or codes.ndim != 2 or codes.shape[1] != shape.groups:
        raise _bad(f"{CODES} is not rows of {shape.groups} int64 numbers, which these weights need")
    if not 0 < len(codes) <= MAX_ROWS:
        raise _bad(f"{CODES} has {len(codes)} rows")
    rows = codes.astype(np.int64)
    if rows.min() < 0 or rows.max() >= shape.codes:
        raise _bad(f"{CODES} has numbers that are no codes")
    return rows


def _text_in(text: NDArray[np.generic]) -> str:
    if text.dtype != np.uint8 or text.ndim != 1 or not 0 < len(text) <= MAX_TEXT_BYTES:
        raise _bad(f"{TEXT} is not UTF-8 of at most {MAX_TEXT_BYTES} bytes")
    try:
        return text.tobytes().decode()
    except UnicodeDecodeError:
        raise _bad(f"{TEXT} is not UTF-8") from None


def _bad(why: str) -> InvalidRequest:
    return InvalidRequest(f"The voice prompt cannot be used: {why}.", code="bad_prompt")
