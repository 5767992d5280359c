"""VibeVoice Realtime under the conformance suite."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from syrinx.models.vibevoice_realtime.backend import RealtimeBackend
from syrinx.models.vibevoice_realtime.options import RealtimeOptions
from tests.conformance.case import Case

from .weights import build


@cache
def _kept() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="syrinx-test-realtime-")  # removed when the tests' process ends


@cache
def tiny() -> Path:
    """The checkpoint that all tests share."""
    return build(Path(_kept().name) / "microsoft" / "VibeVoice-Realtime-0.5B")


def make(**changes: Any) -> RealtimeBackend:
    """40 frames are 5.3 s."""
    few: dict[str, Any] = {
        "weights": str(tiny()),
        "device": "cpu",
        "threads": 1,
        "num_diffusion_steps": 2,
        "max_frames": 40,
    }
    return RealtimeBackend(RealtimeOptions(**few | changes))


CASES = (Case("vibevoice-realtime", make, random_weights=True, tolerance=1e-4),)
