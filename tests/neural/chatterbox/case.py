"""Chatterbox under the conformance suite, on tiny random weights that are built and loaded once."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from syrinx.models.chatterbox.backend import ChatterboxBackend
from syrinx.models.chatterbox.loading import load
from syrinx.models.chatterbox.options import ChatterboxOptions
from tests.conformance.case import Case

from .weights import build, shrink

loaded_once = functools.cache(load)
"""What is loaded does not change while it speaks."""


@functools.cache
def folder(variant: str = "english") -> Path:
    """The checkpoint of a variant, until this process ends."""
    place = Path(tempfile.mkdtemp(prefix="chatterbox-"))
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    return build(place, variant=variant)


def options(variant: str = "english", **changes: object) -> ChatterboxOptions:
    """Options of tests: one thread, one step of the flow decoder, no watermark."""
    given: dict[str, object] = {"threads": 1, "device": "cpu", "flow_steps": 1, "watermark": False, "max_tokens": 45}
    return ChatterboxOptions(weights=str(folder(variant)), **{**given, **changes})  # type: ignore[arg-type]


def backend(variant: str = "english", **changes: object) -> ChatterboxBackend:
    """A backend of those options; its networks are shared."""
    chosen = options(variant, **changes)
    shrink(variant)
    return ChatterboxBackend(chosen, loaded_once)


CASES = (Case("chatterbox", backend, random_weights=True),)
