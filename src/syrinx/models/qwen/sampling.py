"""Choosing one code by its likelihood, with a generator of the job's own.

The order is that of transformers' ``generate``: penalty, suppression, temperature, top-k, top-p.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from .kinds import Chance, Device, Tensor
from .request import Wishes


@dataclass(frozen=True, slots=True)
class Sampling:
    """How codes are chosen. The talker chooses the first code of a frame, the predictor the others."""

    temperature: float = 0.9
    """0: the likeliest code each time."""
    top_k: int = 50
    """0: all."""
    top_p: float = 1.0
    repetition_penalty: float = 1.05


TALKER = Sampling()
PREDICTOR = Sampling(repetition_penalty=1.0)
"""Those of the library, where ``generation_config.json`` is silent."""


def samplings(generation: Mapping[str, Any], wishes: Wishes) -> tuple[Sampling, Sampling]:
    """Return the talker's and the predictor's. Wishes hold for the talker; a temperature of 0 for both."""
    talker = _read(generation, "", "do_sample", TALKER)
    predictor = _read(generation, "subtalker_", "subtalker_dosample", PREDICTOR)
    wished = Sampling(
        temperature=talker.temperature if wishes.temperature is None else wishes.temperature,
        top_k=talker.top_k if wishes.top_k is None else wishes.top_k,
        top_p=talker.top_p if wishes.top_p is None else wishes.top_p,
        repetition_penalty=_or(wishes.repetition_penalty, talker.repetition_penalty),
    )
    return wished, predictor if wished.temperature else Sampling(temperature=0.0, repetition_penalty=1.0)


def _read(said: Mapping[str, Any], prefix: str, sampled: str, default: Sampling) -> Sampling:
    temperature = float(said.get(f"{prefix}temperature", default.temperature))
    return Sampling(
        temperature=temperature if said.get(sampled, True) else 0.0,
        top_k=int(said.get(f"{prefix}top_k", default.top_k)),
        top_p=float(said.get(f"{prefix}top_p", default.top_p)),
        repetition_penalty=float(said.get("repetition_penalty", default.repetition_penalty)) if not prefix else 1.0,
    )


def _or(value: float | None, default: float) -> float:
    return default if value is None else value


def generator_of(seed: int, device: Device) -> Chance:
    """Return a job's own source of chance, on the device of the likelihoods where it can be."""
    return torch.Generator(device="cpu" if device.type == "mps" else device).manual_seed(seed)


def choose(logits: Tensor, how: Sampling, generator: Chance) -> Tensor:
    """Choose from ``logits``, float of shape (codes,). Returns an int64 tensor of shape (1,) on their device."""
    if how.temperature == 0:
        return logits.argmax(-1, keepdim=True)
    logits = logits.float() / how.temperature
    if 0 < how.top_k < logits.shape[-1]:
        least = logits.topk(how.top_k).values[-1]
        logits = logits.masked_fill(logits < least, -torch.inf)
    if how.top_p < 1:
        ordered, order = logits.sort(descending=True)
        before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)
        logits = logits.masked_fill(torch.zeros_like(before > 0).scatter(0, order, before > how.top_p), -torch.inf)
    likelihoods = logits.softmax(-1).to(generator.device)
    return torch.multinomial(likelihoods, 1, generator=generator).to(logits.device)


def penalise(logits: Tensor, said: Tensor, penalty: float) -> Tensor:
    """Make the codes in ``said`` less likely (CTRL, arXiv:1909.05858)."""
    if penalty == 1 or not len(said):
        return logits
    scores = logits[said]
    return logits.index_copy(0, said, torch.where(scores < 0, scores * penalty, scores / penalty))
