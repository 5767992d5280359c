"""What a cancel costs a model beside its steps, measured where the model is loaded: no server, no library of a bench.

A worker looks at its cancels between two steps. So one costs the step that runs and what closing the job takes then.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

from bench.figure import Figure
from syrinx.core.types import SynthesisJob
from syrinx.models.base import SteppedBackend

CLOSE_SHARE = 0.1
"""Of a step: what a cancel may take once the step that runs has ended."""


def speak(steps: SteppedBackend, job: SynthesisJob) -> list[float]:
    """Say all of it; returns the seconds of each step. Raises what the model raises."""
    took: list[float] = []
    steps.open(job)
    try:
        done = False
        while not done:
            done = _step(steps, job, took)
    finally:
        steps.close(job.job_id)
    return took


def leave(steps: SteppedBackend, job: SynthesisJob, after: int) -> float:
    """Cancel after so many steps; returns the seconds until the model has nothing of the job any more."""
    steps.open(job)
    try:
        for _ in range(after):
            if _step(steps, job, []):
                break
    finally:
        began = time.perf_counter()
        steps.close(job.job_id)
    return time.perf_counter() - began


def cancels(name: str, steps: SteppedBackend, job: SynthesisJob) -> Figure:
    """The row of the table: cancels after 1, 2, 4, 8 ... steps, which together take as long as saying it all once."""
    took = speak(steps, job)
    places = [2**n for n in range(len(took).bit_length()) if 2**n < len(took)] or [1]
    return figure(name, [leave(steps, job, place) for place in places], took)


def figure(name: str, left: Sequence[float], took: Sequence[float]) -> Figure:
    """The slowest of the cancels against the usual step, all in seconds."""
    usual, worst = statistics.median(took), max(left)
    return Figure(
        f"{name}: cancel to idle worker, after the step that runs ({len(left)} cancels)",
        f"<= {CLOSE_SHARE} of a step",
        f"median {_ms(statistics.median(left))}, worst {_ms(worst)}",
        f"steps: median {_ms(usual)}, longest {_ms(max(took))}",
        ok=worst <= CLOSE_SHARE * usual,
    )


def _step(steps: SteppedBackend, job: SynthesisJob, took: list[float]) -> bool:
    """One step, timed; whether it was the last."""
    began = time.perf_counter()
    (result,) = steps.step([job.job_id])
    took.append(time.perf_counter() - began)
    if result.error is not None:
        raise result.error
    return result.done


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"
