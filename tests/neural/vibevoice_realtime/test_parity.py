"""Frames as they stream against those that the makers' own code made of the same weights (``record.py``)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from syrinx.models.vibevoice_realtime.backend import RealtimeBackend

from .case import make
from .record import RECORD
from .rig import job, speak, whole

APART = 1e-5
"""Largest difference of any sample: rounding. It was 8e-7 where the record was made."""
TOLD: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def backend() -> Iterator[RealtimeBackend]:
    made = make()
    made.load()
    yield made
    made.unload()


@pytest.mark.parametrize("run", TOLD["runs"], ids=lambda run: f"{run['steps']} steps, guidance {run['guidance']}")
def test_streamed_frames_are_those_of_upstream(backend: RealtimeBackend, run: dict[str, Any]) -> None:
    options = {
        "num_diffusion_steps": run["steps"],
        "guidance_scale": run["guidance"],
        "max_frames": run["frames"],
    }
    wanted = job(text=TOLD["text"], voice=TOLD["voice"], seed=TOLD["seed"], options=options)
    samples = whole(speak(backend, wanted))[:: TOLD["every"]]
    assert np.abs(run["samples"]).max() > 0.05, "the record is no silence"
    np.testing.assert_allclose(samples, run["samples"], atol=APART)
