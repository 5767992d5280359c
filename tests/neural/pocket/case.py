"""Pocket TTS under the conformance suite."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from syrinx.models.base import Backend
from syrinx.models.pocket.backend import PocketBackend
from syrinx.models.pocket.options import PocketOptions
from tests.conformance.case import Case

from .weights import build


@cache
def _kept() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="syrinx-test-pocket-")  # removed when the tests' process ends


@cache
def tiny() -> Path:
    """The checkpoint that all tests share."""
    return build(Path(_kept().name) / "models" / "kyutai" / "pocket-tts")


def make() -> Backend:
    return PocketBackend(PocketOptions(weights=str(tiny()), threads=1, max_batch=4))


CASES = (Case("pocket", make, random_weights=True, tolerance=1e-6, apart=1e-5),)
