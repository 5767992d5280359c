"""Orpheus under the conformance suite, on tiny random weights."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

from syrinx.models.base import Backend
from syrinx.models.registry import create
from tests.conformance.case import Case

from .weights import TINY_IDS, build


@functools.cache
def tiny() -> Path:
    """Weights, built once in a run."""
    folder = Path(tempfile.mkdtemp(prefix="syrinx-orpheus-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return build(folder)


def options(**changes: Any) -> dict[str, Any]:
    """Of a tiny model that always says the same."""
    return {**TINY_IDS, "weights": str(tiny()), "device": "cpu", "threads": 1, "temperature": 0.0, **changes}


def make(name: str = "orpheus", **changes: Any) -> Backend:
    return create(name, options(**changes))


CASES = (Case("orpheus", lambda: make(max_batch=2, step_frames=2), random_weights=True),)
