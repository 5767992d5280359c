from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from syrinx.models.kokoro.readers import Readers
from syrinx.models.kokoro_onnx.backend import KokoroOnnxBackend
from syrinx.models.kokoro_onnx.options import KokoroOnnxOptions
from tests.conformance.case import Case

from .weights import build

_FOLDER = tempfile.TemporaryDirectory(prefix="kokoro-onnx-", ignore_cleanup_errors=True)


class OnceRead(KokoroOnnxBackend):
    """Its dictionaries are read once, for all tests."""

    def _readers(self, folder: Path) -> Readers:
        return _readers(folder)


def backend(**options: Any) -> OnceRead:
    return OnceRead(KokoroOnnxOptions(weights=str(checkpoint()), threads=1, **options))


@cache
def checkpoint() -> Path:
    return build(Path(_FOLDER.name))


@cache
def _readers(folder: Path) -> Readers:
    return Readers(folder)


CASES = (Case("kokoro-onnx", backend, random_weights=True, tolerance=0.02),)
