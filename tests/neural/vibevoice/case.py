"""VibeVoice under the conformance suite."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from syrinx.models.vibevoice.backend import VibeVoiceBackend
from syrinx.models.vibevoice.options import VibeVoiceOptions
from tests.conformance.case import Case

from .weights import build


@cache
def _kept() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="syrinx-test-vibevoice-")  # removed when the tests' process ends


@cache
def tiny() -> Path:
    """The checkpoint that all tests share."""
    return build(Path(_kept().name) / "vibevoice" / "VibeVoice-1.5B-hf")


def make(**changes: Any) -> VibeVoiceBackend:
    """40 frames are 5.3 s."""
    few: dict[str, Any] = {
        "weights": str(tiny()),
        "device": "cpu",
        "threads": 1,
        "num_diffusion_steps": 2,
        "max_frames": 40,
    }
    return VibeVoiceBackend(VibeVoiceOptions(**few | changes))


CASES = (Case("vibevoice", make, random_weights=True, tolerance=1e-4),)
