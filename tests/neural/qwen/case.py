"""Qwen3-TTS under the conformance suite: a checkpoint of each kind."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

from syrinx.models.base import Backend
from syrinx.models.qwen.backend import QwenBackend
from syrinx.models.qwen.options import QwenOptions
from tests.conformance.case import Case

MOST_S = 1.2
"""Of any job: the weights find no end by themselves."""


@functools.cache
def weights(kind: str = "custom_voice", size: str = "0b6", ends: bool = False) -> str:
    """Return the folder of a tiny checkpoint, built once."""
    from .weights import build

    folder = Path(tempfile.mkdtemp(prefix="syrinx-test-qwen-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return str(build(folder, kind=kind, size=size, ends=ends))


def backend(kind: str = "custom_voice", size: str = "0b6", ends: bool = False, **options: Any) -> QwenBackend:
    """Return a backend with such weights, not loaded."""
    said = {"max_seconds": MOST_S, "threads": 1, "device": "cpu", **options}
    return QwenBackend(QwenOptions(weights=weights(kind, size, ends), **said))


def _case(kind: str) -> Case:
    def make() -> Backend:
        return backend(kind)

    return Case(f"qwen-{kind}", make, random_weights=True)


CASES = tuple(_case(kind) for kind in ("custom_voice", "base", "voice_design"))
