"""Veena's weights are laid out as those of Orpheus."""

from __future__ import annotations

from tests.neural.orpheus.weights import SERVED, build

__all__ = ["SERVED", "build"]
