"""The tiny weights, the options that they are loaded with, and an engine on them."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch

from syrinx.models.orpheus.checkpoint import Remedy, check_language_model
from syrinx.models.orpheus.engine import EngineSource
from syrinx.models.orpheus.options import OrpheusOptions
from syrinx.models.orpheus.vllm_engine import params_of, starter
from tests.neural.orpheus.weights import TINY_IDS

from .weights import SERVED, build


@functools.cache
def tiny() -> Path:
    """Weights, built once in a run."""
    folder = Path(tempfile.mkdtemp(prefix="syrinx-orpheus-vllm-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return build(folder)


def options(**changes: Any) -> OrpheusOptions:
    """Of a model that always says the same."""
    stops = tuple(TINY_IDS["stop_token_ids"])
    steady = {"weights": str(tiny()), "threads": 1, "temperature": 0.0, "context_tokens": 4096}
    return OrpheusOptions(**{**SERVED, **steady, "stop_token_ids": stops, **changes})


def start(**changes: Any) -> EngineSource:
    """An engine on the tiny weights."""
    asked, weights = options(**changes), tiny()
    config = check_language_model(weights, asked.ids, Remedy("orpheus"))
    return EngineSource(
        starter(str(weights), asked, config, torch.device("cpu")), params_of(asked.ids), asked.ids.stops
    )
