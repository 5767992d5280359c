"""CUDA graphs for one job at a time, by ``faster-qwen3-tts`` where it is installed (MIT; not in the lock, CUDA only).

It shares the loaded modules. Its caches hold a single sequence: jobs that come meanwhile, and those that sample in a
way that was not captured, go by ``talker.TalkerRows``.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import sys
from collections.abc import Iterator
from typing import Any

import torch

from .kinds import Device, Dtype, Tensor
from .sampling import PREDICTOR, Sampling
from .script import Script

PACKAGE = "faster_qwen3_tts"
LONGEST = 4096
"""Vectors that its talker can hold: script and frames."""
USUAL = 100
"""Length of a script, for the capture."""

_log = logging.getLogger(__name__)


class Graphs:
    """The captured talker and predictor of a loaded model."""

    def __init__(self, model: Any, device: Device, dtype: Dtype) -> None:
        """Capture; takes seconds. Raises what CUDA raises."""
        talker_graph = importlib.import_module(f"{PACKAGE}.talker_graph")
        predictor_graph = importlib.import_module(f"{PACKAGE}.predictor_graph")
        self._stream = importlib.import_module(f"{PACKAGE}.streaming").fast_generate_streaming
        self._talker = model.model.talker
        config = self._talker.config
        predictor = self._talker.code_predictor
        where = {"device": str(device), "dtype": dtype}
        self._predictor = predictor_graph.PredictorGraph(
            predictor,
            predictor.model.config,
            config.hidden_size,
            do_sample=True,
            top_k=PREDICTOR.top_k,
            temperature=PREDICTOR.temperature,
            **where,
        )
        self._graph = talker_graph.TalkerGraph(self._talker.model, config, max_seq_len=LONGEST, **where)
        with contextlib.redirect_stdout(sys.stderr):  # it tells its progress there
            self._predictor.capture(num_warmup=3)
            self._graph.capture(prefill_len=USUAL, num_warmup=3)
        self._running: GraphRows | None = None

    def rows(self, script: Script, how: tuple[Sampling, Sampling], seed: int, most: int) -> GraphRows | None:
        """Return the frames of a script; None: it cannot be done now, or not this way."""
        talker, predictor = how
        if self._running is not None or predictor != PREDICTOR or not talker.temperature:
            return None
        if script.start.shape[1] + most >= LONGEST:
            return None
        torch.cuda.manual_seed(seed)
        self._running = GraphRows(self, self._codes(script, talker, most))
        return self._running

    def done(self) -> None:
        """The running one is over."""
        self._running = None

    def _codes(self, script: Script, how: Sampling, most: int) -> Iterator[Tensor]:
        self._talker.rope_deltas = None
        stream = self._stream(
            talker=self._talker,
            talker_input_embeds=script.start,
            attention_mask=torch.ones(script.start.shape[:2], dtype=torch.int64, device=script.start.device),
            trailing_text_hiddens=script.trailing,
            tts_pad_embed=script.rest,
            config=self._talker.config,
            predictor_graph=self._predictor,
            talker_graph=self._graph,
            max_new_tokens=most,
            temperature=how.temperature,
            top_k=how.top_k,
            top_p=how.top_p,
            do_sample=True,
            repetition_penalty=how.repetition_penalty,
            chunk_size=1,
        )
        with contextlib.closing(stream):
            for codes, _ in stream:
                yield from codes


class GraphRows:
    """Frames of one script by the graphs (``talker.Rows``)."""

    def __init__(self, graphs: Graphs, codes: Iterator[Tensor]) -> None:
        self._graphs = graphs
        self._codes: Any = codes
        self._open = True

    def next(self) -> Tensor | None:
        row = next(self._codes, None) if self._open else None
        if row is None:
            self.close()
        return row

    def close(self) -> None:
        if self._open:
            self._open = False
            self._codes.close()
            self._graphs.done()


def graphs_for(model: Any, device: Device, dtype: Dtype) -> Graphs | None:
    """Return the graphs where they can be had; the log says why not where they were to be expected."""
    if device.type != "cuda":
        return None
    if importlib.util.find_spec(PACKAGE) is None:
        _log.warning("faster-qwen3-tts is not installed in this environment: speech is made without CUDA graphs.")
        return None
    try:
        return Graphs(model, device, dtype)
    except (RuntimeError, ImportError, TypeError, AttributeError) as error:
        _log.warning("CUDA graphs could not be captured (%s): speech is made without them.", error)
        return None
