"""The talker as a loop that can be stepped: one codec frame (a row of codes) a step, nothing ahead of it.

Follows ``Qwen3TTSTalkerForConditionalGeneration`` of ``qwen_tts`` (Apache-2.0), whose own loop is two nested
``generate`` calls that cannot be left: the talker chooses a frame's first code, the predictor the others one after
another, and the frame's vectors and the next piece of text are the talker's next input.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
from transformers import DynamicCache

from .kinds import Chance, Tensor
from .sampling import Sampling, choose, penalise
from .script import Script

CONTROLS = 1024
"""Ids at the top of the talker's vocabulary that are no codes, one of which is the end."""
LEAST_ROWS = 2
"""The end is not taken before so many."""


class Rows(Protocol):
    """A source of codec frames."""

    def next(self) -> Tensor | None:
        """Return the next frame, int64 of shape (groups,); None: it is over."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class TalkerRows:
    """Frames of one text by the talker's modules themselves. Jobs may take turns: all state is here."""

    def __init__(
        self, talker: Any, script: Script, how: tuple[Sampling, Sampling], generator: Chance, most: int
    ) -> None:
        self._talker = talker
        self._script: Script | None = script
        self._how, self._predictor_how = how
        self._generator = generator
        self._most = most
        self._cache = DynamicCache()
        self._firsts: list[Tensor] = []
        self._hidden = torch.empty(0)

    def next(self) -> Tensor | None:
        """See ``Rows``. The first one reads the script."""
        if self._script is None or len(self._firsts) >= self._most:
            return None
        with torch.inference_mode():
            if not self._firsts:
                self._hidden = self._read(self._script.start)
            first = self._first()
            if int(first) == self._talker.config.codec_eos_token_id:
                return None
            self._firsts.append(first)
            row, summed = self._others(first)
            at = len(self._firsts) - 1
            trailing = self._script.trailing
            said = trailing[:, at : at + 1] if at < trailing.shape[1] else self._script.rest
            self._pending = summed + said
            return row

    def close(self) -> None:
        self._script = None
        self._cache = DynamicCache()
        self._firsts.clear()

    def _first(self) -> Tensor:
        """Choose the next frame's first code, shape (1,)."""
        if self._firsts:
            self._hidden = self._read(self._pending)
        logits = self._talker.codec_head(self._hidden)[0, -1].float()
        logits = penalise(logits, self._said(), self._how.repetition_penalty)
        end = self._talker.config.codec_eos_token_id
        kept = logits[end].clone()
        logits[-CONTROLS:] = -torch.inf
        if len(self._firsts) >= LEAST_ROWS:
            logits[end] = kept
        return choose(logits, self._how, self._generator)

    def _said(self) -> Tensor:
        if not self._firsts:
            return torch.empty(0, dtype=torch.int64, device=self._talker.device)
        return torch.cat(self._firsts).unique()

    def _read(self, vectors: Tensor) -> Tensor:
        """Let the talker read (1, n, hidden); returns what it makes of the last, (1, 1, hidden)."""
        out = self._talker.model(inputs_embeds=vectors, past_key_values=self._cache, use_cache=True)
        return out.last_hidden_state[:, -1:]

    def _others(self, first: Tensor) -> tuple[Tensor, Tensor]:
        """Let the predictor choose the frame's other codes; returns all of them and the sum of their vectors."""
        predictor = self._talker.code_predictor
        vector = self._talker.get_input_embeddings()(first).unsqueeze(0)
        codes, summed, cache = [first], vector, DynamicCache()
        vectors = torch.cat([self._hidden, vector], 1)
        for head, embedding in zip(predictor.lm_head, predictor.get_input_embeddings(), strict=True):
            read = predictor.small_to_mtp_projection(vectors)
            out = predictor.model(inputs_embeds=read, past_key_values=cache, use_cache=True)
            code = choose(head(out.last_hidden_state[0, -1]), self._predictor_how, self._generator)
            vectors = embedding(code).unsqueeze(0)
            codes.append(code)
            summed = summed + vectors
        return torch.cat(codes), summed
