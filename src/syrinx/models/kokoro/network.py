"""Kokoro's network on torch, called in two halves: what each phoneme's length is, and the sound.

The halves follow ``KModel.forward_with_tokens`` of kokoro 0.9.4 (Apache-2.0), which does both at once and one text at a
time. Between them we change lengths (speed) and put pieces of equal length together.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from syrinx.models.device import memory_errors

from .decoder import Prosody, Steps, decode
from .steps import Line, Spoken
from .timing import FRAME, Frames, at_speed

Tensor = Any
"""A ``torch.Tensor``."""
_T = TypeVar("_T")
Decode = Callable[[Any, Prosody], Steps]
"""``decoder.decode``, or what stands for it."""
STYLE_SPLIT = 128
"""Where a style's decoder half ends and its prosody half begins."""
GPU_ROUNDING = 8
"""On a GPU the silence at a piece's end is lengthened to a multiple of so many frames, and cut off again: so that
pieces of equal length meet often. It is done to a piece alone, too, which therefore sounds the same in any company."""


@dataclass(frozen=True, slots=True)
class _Measured:
    """The first half's result for one line."""

    encoded: Tensor
    """What the prosody is made from, [1, phonemes + 2, 640]."""
    text: Tensor
    """What the sound is made from, [1, 512, phonemes + 2]."""
    style: Tensor
    """[1, 256]."""
    frames: Frames
    padding: int
    """Frames at the end that are cut off again."""
    seed: int

    @property
    def total(self) -> int:
        return int(self.frames.sum()) + self.padding

    def stretched(self, tensor: Tensor, dim: int) -> Tensor:
        """Repeat each phoneme's column for as many frames as it lasts."""
        import torch

        counts = self.frames.copy()
        counts[-1] += self.padding
        return torch.repeat_interleave(tensor, torch.from_numpy(counts).to(tensor.device), dim=dim)


class Network:
    """A ``Speaker``. ``model`` is a ``kokoro.KModel`` in evaluation mode on its device."""

    def __init__(self, model: Any, dtype: Any, decode: Decode = decode) -> None:
        self._model = model
        self._dtype = dtype
        self._decode = decode
        on_cpu = model.device.type == "cpu"
        self._rounding = 1 if on_cpu else GPU_ROUNDING
        if on_cpu:
            _keep_whole(model)

    @property
    def alphabet(self) -> frozenset[str]:
        return frozenset(self._model.vocab)

    def say(self, lines: Sequence[Line]) -> list[Spoken]:
        with self._computing():
            measured = [_ended(self._measure(line)) for line in lines]
            spoken: list[Spoken | None] = [None] * len(lines)
            for indices in _alike([m.total for m in measured]):
                for n, made in zip(indices, _ended(self._sound([measured[n] for n in indices])), strict=True):
                    spoken[n] = made
        return [made for made in spoken if made is not None]

    def begin(self, line: Line) -> Iterator[Spoken | None]:
        work = self._work(line)
        while True:
            try:
                with self._computing():
                    next(work)
            except StopIteration as end:
                yield end.value
                return
            yield None

    def _work(self, line: Line) -> Generator[None, None, Spoken]:
        measured = yield from self._measure(line)
        yield
        (made,) = yield from self._sound([measured])
        return made

    @contextmanager
    def _computing(self) -> Generator[None]:
        """Around each call, never across a ``yield``: what torch sets here is the thread's."""
        import torch

        with torch.inference_mode(), memory_errors("kokoro"), self._precision():
            yield

    def _precision(self) -> Any:
        """Weights stay float32 (they are small); a shorter type is for the products, where torch deems it safe."""
        import torch

        if self._dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self._model.device.type, self._dtype)

    def _measure(self, line: Line) -> Generator[None, None, _Measured]:
        """Predict each phoneme's length."""
        import torch

        model, device = self._model, self._model.device
        ids = torch.tensor([[0, *(model.vocab[p] for p in line.phonemes), 0]], device=device)
        lengths = torch.tensor([ids.shape[1]], device=device)
        mask = torch.zeros_like(ids, dtype=torch.bool)
        style = torch.from_numpy(line.style).to(device)
        context = model.bert_encoder(model.bert(ids, attention_mask=(~mask).int())).transpose(-1, -2)
        yield
        encoded = model.predictor.text_encoder(context, style[:, STYLE_SPLIT:], lengths, mask)
        states, _ = model.predictor.lstm(encoded)
        lasting = torch.sigmoid(model.predictor.duration_proj(states)).sum(-1)[0]
        usual = torch.round(lasting.float()).clamp(min=1).long().cpu().numpy()
        frames = at_speed(usual, line.speed)
        padding = -int(frames.sum()) % self._rounding
        yield
        return _Measured(encoded, model.text_encoder(ids, lengths, mask), style, frames, padding, line.seed)

    def _sound(self, pieces: Sequence[_Measured]) -> Generator[None, None, list[Spoken]]:
        """Make the audio of pieces of equal length. Only those: the decoder normalises over a whole piece, so that one
        padded to another's length would sound otherwise."""
        import torch

        model = self._model
        styles = torch.cat([piece.style for piece in pieces])
        encoded = torch.cat([piece.stretched(piece.encoded, 1) for piece in pieces]).transpose(-1, -2)
        pitch, energy = model.predictor.F0Ntrain(encoded, styles[:, STYLE_SPLIT:])
        text = torch.cat([piece.stretched(piece.text, 2) for piece in pieces])
        seeds = [piece.seed for piece in pieces]
        yield
        audio = yield from self._decode(model.decoder, Prosody(text, pitch, energy, styles[:, :STYLE_SPLIT], seeds))
        made = audio.reshape(len(pieces), -1).float().cpu().numpy()
        return [
            Spoken(np.clip(row[: int(piece.frames.sum()) * FRAME], -1.0, 1.0), piece.frames)
            for row, piece in zip(made, pieces, strict=True)
        ]


def _keep_whole(model: Any) -> None:
    """Have LSTMs compute in float32 also where shorter numbers are asked for: oneDNN has none of those on a CPU without
    AVX-512, and raises."""
    import torch

    for module in model.modules():
        if isinstance(module, torch.nn.LSTM):
            module.forward = functools.partial(_whole, module.forward)


def _whole(lstm: Callable[..., Any], sequence: Any) -> Any:
    import torch

    with torch.autocast("cpu", enabled=False):
        return lstm(sequence.float())


def _alike(totals: Sequence[int]) -> list[list[int]]:
    """Indices of equal numbers together."""
    groups: dict[int, list[int]] = {}
    for n, total in enumerate(totals):
        groups.setdefault(total, []).append(n)
    return list(groups.values())


def _ended(work: Generator[None, None, _T]) -> _T:
    """What is made in the end."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value
