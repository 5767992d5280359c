"""What a worker does before it is ready: finds its backend and speaks a word to nobody."""

from __future__ import annotations

import subprocess
import sys

import pytest

from syrinx.core.errors import ModelNotFound, ModelNotReady
from syrinx.models.base import StepResult
from syrinx.workers.main import make_backend, warm_up
from syrinx.workers.runaway import RunawayPolicy
from tests.workers.backends import INFO, Ramp

POLICY = RunawayPolicy()


def test_a_backend_is_found_by_path_or_by_name():
    assert isinstance(make_backend("tests.workers.backends:Ramp", {}), Ramp)
    assert make_backend("tone", {"max_batch": 2}).load().max_batch == 2
    with pytest.raises(ModelNotFound):
        make_backend("nobody", {})


def test_the_warm_up_leaves_no_job_open():
    backend = Ramp({})
    closed: list[str] = []
    steps = backend.stepped()
    steps.close = closed.append  # type: ignore[method-assign]
    warm_up(backend, INFO, POLICY)
    assert closed == ["warm-up"]


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (StepResult("warm-up", done=True), "no sound"),
        (StepResult("warm-up", done=True, error=RuntimeError("no kernel image")), "no kernel image"),
    ],
)
def test_a_model_that_cannot_speak_is_not_ready(result: StepResult, words: str):
    backend = Ramp({})
    steps = backend.stepped()
    steps.step = lambda job_ids: [result]  # type: ignore[method-assign]
    with pytest.raises((ModelNotReady, RuntimeError), match=words):
        warm_up(backend, INFO, POLICY)


def test_a_model_that_never_ends_is_not_ready():
    backend = Ramp({})
    steps = backend.stepped()
    real = steps.step

    def endless(job_ids: list[str]) -> list[StepResult]:
        return [StepResult(r.job_id, r.chunk) for r in real(job_ids)]

    steps.step = endless  # type: ignore[method-assign]
    with pytest.raises(ModelNotReady, match="did not end"):
        warm_up(backend, INFO, POLICY)


def test_a_worker_imports_nothing_of_the_server():
    script = "import sys, syrinx.workers.main; print(*sorted(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"asyncio", "fastapi", "pydantic", "uvloop", "uvicorn", "starlette", "av", "soxr", "torch"}
    assert heavy & set(modules) == set()
