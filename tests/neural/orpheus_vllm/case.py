"""Orpheus on vLLM's engine under the conformance suite. One engine serves all of it: a start takes half a minute."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from syrinx.core.types import SynthesisJob
from syrinx.models.orpheus.backend import OrpheusBackend
from syrinx.models.orpheus.source import Order, Taken, TokenSource
from tests.conformance.case import Case

from .rig import options, start


class Lent(TokenSource):
    """A source that goes on when who used it is done."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source

    def open(self, order: Order) -> None:
        self._source.open(order)

    def take(self, job_ids: Sequence[str]) -> list[Taken]:
        return self._source.take(job_ids)

    def close(self, job_id: str) -> None:
        self._source.close(job_id)

    def unload(self) -> None:
        return None


class OnOneEngine(OrpheusBackend):
    """All of them share an engine."""

    def make_source(self, weights: Path, device: Any) -> TokenSource:
        return Lent(ENGINE)


ENGINE = start()
"""Started as this is imported, before any test looks at which threads there are; ``conftest.py`` ends it."""
CASES = (Case("orpheus-vllm", lambda: OnOneEngine(options()), random_weights=True),)


def _speak() -> None:
    """What the engine does at its first job only."""
    backend = OnOneEngine(options())
    backend.load()
    steps = backend.stepped()
    steps.open(SynthesisJob("first", "One.", "tara", "en"))
    while not steps.step(["first"])[0].done:
        pass
    steps.close("first")
    backend.unload()


_speak()
