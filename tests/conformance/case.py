"""One backend under the conformance suite, and which are tried here.

Models with an environment of their own are tried in that environment: ``SYRINX_TEST_MODEL`` names a folder of
``tests/neural`` whose ``case.py`` has ``CASES``.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from syrinx.models.base import Backend


@dataclass(frozen=True, slots=True)
class Case:
    """One backend under test."""

    name: str
    make: Callable[[], Backend]
    failing_text: str | None = None
    """A text on which the model itself raises; None: no text makes it."""
    random_weights: bool = False
    """Its length, pace and end say nothing about the text; everything else must hold."""
    tolerance: float = 0.0
    """Relative difference of length and energy between two runs of the same job; 0: the same samples."""
    apart: float | None = None
    """Largest difference of two samples of two such runs; None: only length and energy are compared."""
    marks: tuple[pytest.MarkDecorator, ...] = field(default=())


def neural_cases() -> tuple[Case, ...]:
    """Those of the model whose environment this is; empty in the server's own."""
    name = os.environ.get("SYRINX_TEST_MODEL")
    return importlib.import_module(f"tests.neural.{name}.case").CASES if name else ()
