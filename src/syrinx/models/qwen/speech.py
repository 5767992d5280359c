"""A loaded model that speaks: from a line of text to steps of codec frames and their sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from syrinx.core.types import Samples

from . import loading
from .checkpoint import Checkpoint, Kind
from .clone import Shape
from .codec import Window
from .graphs import Graphs, graphs_for
from .kinds import Device, Dtype, Tensor
from .line import Line
from .openings import Opening
from .options import QwenOptions
from .request import Wishes
from .sampling import generator_of, samplings
from .script import Scribe
from .talker import CONTROLS, Rows, TalkerRows

ROWS_PER_SECOND = 12.5
CODEC_RATE = 24_000
"""Hertz of what the speaker's encoder and the codec hear."""


class Voice:
    """Talker, predictor and codec of one checkpoint on one device."""

    def __init__(self, found: Checkpoint, options: QwenOptions, device: Device, dtype: Dtype) -> None:
        self._found = found
        self._options = options
        self._device = device
        self._model, self.attention = loading.load(found, device, dtype, options.attention)
        self._talker: Any = self._model.model.talker
        self._codec: Any = self._model.model.speech_tokenizer
        self._scribe = Scribe(self._model)
        self._graphs: Graphs | None = graphs_for(self._model, device, dtype) if options.graphs else None
        config = self._talker.config
        self.shape = Shape(config.hidden_size, config.num_code_groups, config.vocab_size - CONTROLS)
        if found.kind is Kind.BASE:  # what the library imports at the first recording takes seconds: not in mid-speech
            self.listen(np.zeros(CODEC_RATE, np.float32), CODEC_RATE, with_codes=True)

    @property
    def repeatable(self) -> bool:
        """With graphs a job's samples depend on whether they were free for it."""
        return self._graphs is None

    def speak(self, line: Line, wishes: Wishes, seed: int, before: Callable[[], Opening | None]) -> Speaking:
        """Begin to speak; nothing is computed yet. ``before`` is asked at the first step, when all before is said."""
        return Speaking(lambda: self._begin(replace(line, opening=before()), wishes, seed))

    def _begin(self, line: Line, wishes: Wishes, seed: int) -> tuple[Rows, Window]:
        most = round(self._options.max_seconds * ROWS_PER_SECOND)
        sampling = samplings(self._found.generation, wishes)
        with torch.inference_mode():
            script = self._scribe.write(line)
        rows: Rows | None = self._graphs.rows(script, sampling, seed, most) if self._graphs is not None else None
        if rows is None:
            rows = TalkerRows(self._talker, script, sampling, generator_of(seed, self._device), most)
        known = line.clone if line.clone is not None else line.opening
        before = None if known is None or known.codes is None else torch.from_numpy(known.codes)
        return rows, Window(self._codec, before, (self._options.first_rows, self._options.most_rows))

    def listen(
        self, samples: Samples, sample_rate: int, with_codes: bool
    ) -> tuple[NDArray[np.float32], NDArray[np.int64] | None]:
        """Return what is kept of a recording: the speaker's vector (hidden,), and its codes (frames, groups)."""
        heard = samples if sample_rate == CODEC_RATE else soxr.resample(samples, sample_rate, CODEC_RATE)
        (item,) = self._model.create_voice_clone_prompt(
            ref_audio=(np.clip(heard, -1, 1), CODEC_RATE),
            ref_text="-" if with_codes else None,  # it only looks whether there is one
            x_vector_only_mode=not with_codes,
        )
        speaker = item.ref_spk_embedding.float().cpu().numpy()
        return speaker, item.ref_code.cpu().numpy().astype(np.int64) if with_codes else None


class Speaking:
    """One line being spoken."""

    def __init__(self, begin: Callable[[], tuple[Rows, Window]]) -> None:
        self._begin = begin
        self._rows: Rows | None = None
        self._made: list[Tensor] = []

    def step(self) -> tuple[Samples | None, bool]:
        """Make one codec frame; returns sound, when some is due, and whether that was all."""
        if self._rows is None:
            self._rows, self._window = self._begin()
        row = self._rows.next()
        if row is None:
            return self._window.flush(), True
        self._made.append(row)
        return self._window.push(row), False

    @property
    def codes(self) -> NDArray[np.int64]:
        """The frames so far, (frames, groups); at least one."""
        return torch.stack(self._made).cpu().numpy()

    def close(self) -> None:
        if self._rows is not None:
            self._rows.close()
