"""Tokens by transformers: a loop of our own that advances many jobs by whole frames, their keys and values in rows.

All jobs of a step are at the same slot of a frame, since each step makes whole frames; a job leaves between frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from syrinx.models.device import release_memory, seeded

from .cache import Rows
from .draw import drawn, penalised
from .frames import SLOTS
from .ids import TokenIds
from .source import Order, Taken, TokenSource
from .vocabulary import SlotVocabulary, Vocabulary, WholeVocabulary


@dataclass(slots=True)
class _Job:
    order: Order
    generator: Any
    row: int = -1
    """In the cache; -1: not begun."""
    length: int = 0
    """Positions in the cache."""
    hidden: Any = None
    """Of the last position, (width,): what the next token is drawn from."""
    used: Any = None
    made: int = 0
    ids: list[int] = field(default_factory=list[int])
    ended: Taken | None = None


class LlamaSource(TokenSource):
    """A loaded ``LlamaForCausalLM``."""

    def __init__(self, model: Any, ids: TokenIds, step_frames: int = 1, slot_mask: bool = True) -> None:
        self._body: Any = model.model
        self._ids = ids
        self._step_tokens = step_frames * SLOTS
        weight = model.lm_head.weight.detach()
        self._vocabulary: Vocabulary = (SlotVocabulary if slot_mask else WholeVocabulary)(weight, ids)
        self._device, self._dtype = weight.device, weight.dtype
        self._cache = Rows(model.config, self._device, self._dtype)
        self._jobs: dict[str, _Job] = {}

    @property
    def cache_bytes(self) -> int:
        """Memory that jobs hold."""
        return self._cache.size_bytes

    def open(self, order: Order) -> None:
        self._jobs[order.job_id] = _Job(order, seeded(order.seed))

    def take(self, job_ids: Sequence[str]) -> list[Taken]:
        import torch

        jobs = [self._jobs[job_id] for job_id in job_ids]
        with torch.inference_mode():
            for job in jobs:
                if job.row < 0 and job.ended is None:
                    self._prefill(job)
            for n in range(self._step_tokens):
                live = [job for job in jobs if job.ended is None]
                if live:
                    self._draw(live, n % SLOTS)
                    self._forward([job for job in live if job.ended is None])
        return [self._collect(job) for job in jobs]

    def close(self, job_id: str) -> None:
        job = self._jobs.pop(job_id, None)
        if job is not None:
            self._leave(job)

    def unload(self) -> None:
        for job_id in list(self._jobs):
            self.close(job_id)
        self._body = None
        release_memory()

    # --- one token ---------------------------------------------------------------------------------------------------

    def _prefill(self, job: _Job) -> None:
        """Read the prompt of one job."""
        prompt = job.order.prompt.ids
        job.row, job.used = self._cache.take(), self._vocabulary.unused()
        job.length, job.hidden = len(prompt), self._run([prompt], [job.row], [0])[0, -1]

    def _forward(self, jobs: Sequence[_Job]) -> None:
        """Read the token that each job drew last."""
        if not jobs:
            return
        jobs = sorted(jobs, key=lambda job: job.row)
        rows, lengths = [job.row for job in jobs], [job.length for job in jobs]
        hidden = self._run([job.ids[-1:] for job in jobs], rows, lengths)
        for job, last in zip(jobs, hidden[:, -1], strict=True):
            job.length, job.hidden = job.length + 1, last

    def _run(self, tokens: Sequence[Sequence[int]], rows: Sequence[int], starts: Sequence[int]) -> Any:
        """One pass over as many ``tokens`` of each row, which go on from its start; returns what each comes to."""
        import torch

        self._cache.begin(rows, starts, len(tokens[0]))
        places = self._cache.places
        said = self._body(
            input_ids=torch.tensor(tokens, device=self._device),
            attention_mask=None if len(set(starts)) == 1 else self._mask(places, max(starts) + len(tokens[0])),
            position_ids=places,
            past_key_values=self._cache,
            use_cache=True,
        )
        return said.last_hidden_state

    def _mask(self, places: Any, until: int) -> Any:
        """What may be attended to by rows that are not of one length; those of one need no mask, which is faster."""
        import torch

        later = torch.arange(until, device=self._device)[None, None, :] > places[:, :, None]
        mask = torch.zeros((len(places), 1, *later.shape[1:]), dtype=self._dtype, device=self._device)
        return mask.masked_fill_(later[:, None], torch.finfo(self._dtype).min)

    def _draw(self, jobs: Sequence[_Job], slot: int) -> None:
        import torch

        def column(values: list[float]) -> Any:
            return torch.tensor(values, device=self._device)[:, None]

        sampling = [job.order.sampling for job in jobs]
        may_stop = column([job.made > 0 for job in jobs])  # an answer without a sound is none
        logits = self._vocabulary.logits(torch.stack([job.hidden for job in jobs]), slot, may_stop)
        used = self._vocabulary.used([job.used for job in jobs], slot)
        logits = penalised(logits, used, column([s.repetition_penalty for s in sampling]))
        if any(s.temperature for s in sampling):
            race = torch.stack([torch.empty(logits.shape[-1]).exponential_(generator=job.generator) for job in jobs])
            temperature, top_p = column([s.temperature for s in sampling]), column([s.top_p for s in sampling])
            places = drawn(logits, temperature, top_p, race.to(self._device))
        else:
            places = logits.argmax(-1)
        for job, place in zip(jobs, places.tolist(), strict=True):
            self._say(job, self._vocabulary.token(place, slot))

    def _say(self, job: _Job, token: int) -> None:
        if token in self._ids.stops:
            job.ended = Taken(done=True)
            self._leave(job)
            return
        job.ids.append(token)
        job.made += 1
        self._vocabulary.use(job.used, token)
        if job.made >= job.order.limit:
            job.ended = Taken(done=True, cut=True)
            self._leave(job)

    def _leave(self, job: _Job) -> None:
        """Free what a job holds, as soon as it needs it no more."""
        if job.row >= 0:
            self._cache.give(job.row)
        job.row, job.hidden, job.used = -1, None, None

    def _collect(self, job: _Job) -> Taken:
        ids, job.ids = tuple(job.ids), job.ids[:0]
        return Taken(ids) if job.ended is None else Taken(ids, True, job.ended.cut)
