"""S3Gen's flow, from speech tokens to mel frames, for one utterance without padding.

The arithmetic is that of chatterbox-tts' ``flow.py``, ``flow_matching.py`` and ``decoder.py`` (MIT; after CosyVoice and
Matcha-TTS).

Every window runs it ten times over, through some sixty blocks. The library's blocks multiply by a mask of ones, add an
attention mask of zeros, and turn channels and frames round between convolutions and the rest. Here frames stay before
channels (a causal convolution over three frames is one product of three frames laid side by side), there are no masks,
and what depends on the step of time alone is computed once for all windows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .backbone import together
from .conditionals import Voice

KERNEL = 3
"""Frames of every causal convolution: the one that is made and those before."""


@dataclass(frozen=True, slots=True)
class Linear:
    """A weight (out, in) and a bias."""

    weight: Any
    bias: Any

    def __call__(self, frames: Any) -> Any:
        import torch.nn.functional as F

        return F.linear(frames, self.weight, self.bias)


@dataclass(frozen=True, slots=True)
class Causal:
    """A convolution over a frame and those before: a linear map of ``KERNEL`` frames side by side, the oldest first."""

    over: Linear

    def __call__(self, frames: Any) -> Any:
        import torch
        import torch.nn.functional as F

        before = F.pad(frames, (0, 0, KERNEL - 1, 0))
        count = frames.shape[1]
        return self.over(torch.cat([before[:, shift : shift + count] for shift in range(KERNEL)], dim=-1))


@dataclass(frozen=True, slots=True)
class Residual:
    """Two causal convolutions with the step of time between (``CausalResnetBlock1D``)."""

    first: Causal
    first_norm: Any
    second: Causal
    second_norm: Any
    around: Linear

    def __call__(self, frames: Any, shift: Any) -> Any:
        import torch.nn.functional as F

        inner = F.mish(self.first_norm(self.first(frames))) + shift
        return F.mish(self.second_norm(self.second(inner))) + self.around(frames)


@dataclass(frozen=True, slots=True)
class Attending:
    """Attention of all frames to all frames, and what follows it (``BasicTransformerBlock``)."""

    norm: Any
    qkv: Any
    """Of queries, keys and values, one on the other."""
    heads: int
    out: Linear
    norm_after: Any
    widen: Linear
    narrow: Linear

    def __call__(self, frames: Any) -> Any:
        import torch.nn.functional as F

        three = F.linear(self.norm(frames), self.qkv)
        queries, keys, values = three.view(*three.shape[:2], 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(queries, keys, values)
        frames = frames + self.out(mixed.transpose(1, 2).flatten(2))
        return frames + self.narrow(F.gelu(self.widen(self.norm_after(frames))))


@dataclass(frozen=True, slots=True)
class Stage:
    """A residual, and attention after it."""

    residual: Residual
    blocks: tuple[Attending, ...]

    def __call__(self, frames: Any, shift: Any) -> Any:
        frames = self.residual(frames, shift)
        for block in self.blocks:
            frames = block(frames)
        return frames


class Flow:
    """The network, shared by all jobs."""

    def __init__(self, module: Any, *, meanflow: bool) -> None:
        """``module`` is the ``flow`` of an ``S3Gen``; ``meanflow``: that of Turbo."""
        self._module = module
        self._meanflow = meanflow
        self._guidance: float = module.decoder.inference_cfg_rate
        estimator = self._estimator = module.decoder.estimator
        (residual, blocks, down), (mid_residual, mid_blocks, up) = estimator.down_blocks[0], estimator.up_blocks[0]
        self._residuals = [residual, *(each[0] for each in estimator.mid_blocks), mid_residual]
        self._first = _stage(residual, blocks)
        self._down = _causal(down)
        self._middle = [_stage(*each) for each in estimator.mid_blocks]
        self._last = _stage(mid_residual, mid_blocks)
        self._up = _causal(up)
        self._final = _causal(estimator.final_block.block[0])
        self._final_norm = estimator.final_block.block[2]
        self._to_mels = _pointwise(estimator.final_proj)
        self._times: dict[int, tuple[list[float], Any]] = {}

    def mels(self, tokens: Any, voice: Voice, noise: Any, steps: int) -> Any:
        """Decode speech tokens, int64 (1, n), after the voice's recording of p tokens, in as many steps.

        ``noise`` is float32 (1, 2 (p + n), MELS), as the result is, but for the recording's frames: (1, 2 n, MELS).
        """
        import torch

        given = self._given(tokens, voice)
        spans, shifts = self._time(steps)
        frames = noise
        for span, shift in zip(spans, shifts, strict=True):
            rows = frames.expand(len(given), -1, -1)
            flow = self._estimate(torch.cat([rows, given], dim=-1), shift)
            if len(given) == 2:
                flow = (1.0 + self._guidance) * flow[:1] - self._guidance * flow[1:]
            frames = frames + span * flow
        return frames[:, voice.prompt_feat.shape[1] :]

    def _given(self, tokens: Any, voice: Voice) -> Any:
        """What the frames are made of: (1, frames, 3 MELS), for guidance below it a row of nothing (not for Turbo)."""
        import torch
        import torch.nn.functional as F

        module = self._module
        both = torch.cat([voice.prompt_token, tokens], dim=1)
        count = torch.tensor([both.shape[1]], device=both.device)
        meant = module.encoder_proj(module.encoder(module.input_embedding(both), count)[0])
        speaker = module.spk_embed_affine_layer(F.normalize(voice.embedding, dim=1))
        known = F.pad(voice.prompt_feat, (0, 0, 0, meant.shape[1] - voice.prompt_feat.shape[1]))
        given = torch.cat([meant, speaker[:, None].expand(-1, meant.shape[1], -1), known], dim=-1)
        return given if self._meanflow else torch.cat([given, torch.zeros_like(given)])

    def _estimate(self, frames: Any, shifts: Any) -> Any:
        """Run the network once: (rows, frames, 4 MELS) to (rows, frames, MELS)."""
        import torch
        import torch.nn.functional as F

        first = self._first(frames, shifts[0])
        frames = self._down(first)
        for stage, shift in zip(self._middle, shifts[1:], strict=False):
            frames = stage(frames, shift)
        frames = self._up(self._last(torch.cat([frames, first], dim=-1), shifts[-1]))
        return self._to_mels(F.mish(self._final_norm(self._final(frames))))

    def _time(self, steps: int) -> tuple[list[float], Any]:
        """Give the length of each step, and what each residual adds in it: (steps, residuals, channels)."""
        if steps not in self._times:
            self._times[steps] = self._timed(steps)
        return self._times[steps]

    def _timed(self, steps: int) -> tuple[list[float], Any]:
        import torch

        estimator, like = self._estimator, self._to_mels.weight
        times = torch.linspace(0, 1, steps + 1, device=like.device, dtype=like.dtype)
        if not self._meanflow:  # the cosine schedule, which the English and Multilingual models were made with
            times = 1 - torch.cos(times * 0.5 * math.pi)
        embedded = estimator.time_mlp(estimator.time_embeddings(times))
        of_step = embedded[:-1]
        if self._meanflow:
            of_step = estimator.time_embed_mixer(torch.cat([of_step, embedded[1:]], dim=1))
        shifts = torch.stack([residual.mlp(of_step) for residual in self._residuals], dim=1)
        return times.diff().tolist(), shifts


def _stage(residual: Any, blocks: Sequence[Any]) -> Stage:
    one, other = residual.block1.block, residual.block2.block
    return Stage(
        Residual(_causal(one[0]), one[2], _causal(other[0]), other[2], _pointwise(residual.res_conv)),
        tuple(_attending(block) for block in blocks),
    )


def _attending(block: Any) -> Attending:
    attention, (widen, _, narrow) = block.attn1, block.ff.net
    out = attention.to_out[0]
    return Attending(
        block.norm1,
        together([attention.to_q, attention.to_k, attention.to_v]),
        attention.heads,
        Linear(out.weight, out.bias),
        block.norm3,
        Linear(widen.proj.weight, widen.proj.bias),
        Linear(narrow.weight, narrow.bias),
    )


def _causal(convolution: Any) -> Causal:
    weight = convolution.weight.detach().transpose(1, 2).flatten(1).contiguous()
    return Causal(Linear(weight, convolution.bias.detach()))


def _pointwise(convolution: Any) -> Linear:
    return Linear(convolution.weight.detach()[:, :, 0].contiguous(), convolution.bias.detach())
