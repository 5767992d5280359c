"""Veena under the conformance suite: another family of the same backend, drawing from the whole vocabulary."""

from __future__ import annotations

from tests.conformance.case import Case
from tests.neural.orpheus.case import make

CASES = (Case("veena", lambda: make("veena", max_batch=1, slot_mask=False, step_frames=2), random_weights=True),)
