"""Attention over rows that are each at a place of their own: what makes continuous batching possible.

pocket-tts attends over one cache for the whole batch, whose rows must all stand at the same position. Here each row
owns its cache, and the tokens of all rows are packed one after another: a row that joins with forty tokens of text
shares one pass through the weights with rows that advance by one codec frame. Nothing is padded, copied or turned when
rows come, pause or go, and a row attends over exactly the numbers that it would alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch
from torch.nn.functional import scaled_dot_product_attention

Tensor: TypeAlias = Any
"""A torch tensor; shapes are in the text."""

FIRST_CAPACITY = 64
"""Positions that a cache has room for before it first grows; it doubles from there."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Of the keys and values of one transformer."""

    layers: int
    heads: int
    """For keys and values; queries may have a multiple of it."""
    dim: int
    window: int | None
    """Positions that a query sees, its own included; None: all before it."""
    period: float
    """Longest period of the rotary positions (RoFormer, arXiv:2104.09864)."""


class RowCache:
    """Keys and values of one row in every layer: ``[layers, 2, capacity, heads, dim]``."""

    def __init__(self, shape: Shape, like: Tensor, capacity: int = 0) -> None:
        """``like``: a tensor of the type and device that the keys have."""
        self._shape = shape
        if shape.window is not None:
            capacity = 3 * shape.window
        self._buffer: Tensor = self._room(like, max(capacity, FIRST_CAPACITY))
        self.length = 0
        """Positions held."""
        self.position = 0
        """Of the next token; more than ``length`` where a window has moved on."""

    def _room(self, like: Tensor, capacity: int) -> Tensor:
        shape = self._shape
        return like.new_empty(shape.layers, 2, capacity, shape.heads, shape.dim)

    @property
    def capacity(self) -> int:
        return self._buffer.shape[2]

    @property
    def content(self) -> Tensor:
        """What is held: ``[layers, 2, length, heads, dim]``, a view."""
        return self._buffer[:, :, : self.length]

    def fill(self, content: Tensor) -> None:
        """Hold a copy of ``content`` (as in ``content``, from position 0) and nothing else."""
        self.length = self.position = 0
        self.reserve(content.shape[2])
        self._buffer[:, :, : content.shape[2]] = content
        self.length = self.position = content.shape[2]

    def rewind(self, length: int) -> None:
        """Forget all but the first ``length`` positions."""
        self.length = self.position = length

    def reserve(self, count: int) -> None:
        """Make room for ``count`` more."""
        if self.length + count <= self.capacity:
            return
        kept = self.seen
        old = self._buffer[:, :, self.length - kept : self.length]
        if kept + count <= self.capacity and 2 * kept <= self.length:  # a window moved on; the places do not overlap
            self._buffer[:, :, :kept] = old
        else:
            grown = self._room(self._buffer, max(2 * self.capacity, kept + count))
            grown[:, :, :kept] = old
            self._buffer = grown
        self.length = kept

    @property
    def seen(self) -> int:
        """How many of the positions held the next token sees."""
        window = self._shape.window
        return self.length if window is None else min(self.length, window - 1)

    def put(self, layer: int, new: Tensor) -> Tensor:
        """Write a layer's keys and values of new tokens ``[2, count, heads, dim]`` into the room that was made.

        Returns those that the new tokens see, themselves included: ``[2, heads, seen + count, dim]``, a view.
        """
        end = self.length + new.shape[1]
        held = self._buffer[layer]
        held[:, self.length : end] = new
        return held[:, self.length - self.seen : end].transpose(1, 2)

    def advance(self, count: int) -> None:
        """The new tokens are written in every layer."""
        self.length += count
        self.position += count


@dataclass(frozen=True, slots=True)
class Span:
    """The tokens of one row in a packed batch: ``[start, stop)``."""

    cache: RowCache
    start: int
    stop: int
    mask: Tensor
    """Which keys each token sees, ``[count, seen + count]``; None: all."""


@dataclass(frozen=True, slots=True)
class Packed:
    """What the modules of the library are given as their state: whose tokens they see, and the rows' other state."""

    spans: Sequence[Span]
    turns: Tensor
    """Rotation of each token's position, complex64 ``[tokens, 1, dim / 2]``."""
    convolutions: dict[str, dict[str, Tensor]] = field(default_factory=dict)
    """State of streaming convolutions by the name of the module, rows in the order of ``spans``."""

    def __getitem__(self, name: str) -> dict[str, Tensor]:
        return self.convolutions[name]

    def advance(self) -> None:
        for span in self.spans:
            span.cache.advance(span.stop - span.start)


class Packer:
    """Packs rows for one transformer."""

    def __init__(self, shape: Shape, device: Any) -> None:
        self._shape = shape
        self._device = device
        half = shape.dim // 2
        steps = torch.arange(half, dtype=torch.float32, device=device)
        self._speeds = torch.exp(steps * (-torch.log(torch.tensor(shape.period)).item() * 2 / shape.dim))
        self._masks: dict[tuple[int, int], Tensor] = {}

    def pack(self, rows: Sequence[tuple[RowCache, int]]) -> Packed:
        """Pack caches, each with the count of its new tokens, and make room in them."""
        spans: list[Span] = []
        places: list[Tensor] = []
        start = 0
        for cache, count in rows:
            cache.reserve(count)
            spans.append(Span(cache, start, start + count, self._mask(count, cache.seen)))
            places.append(torch.arange(cache.position, cache.position + count, dtype=torch.float32))
            start += count
        angles = torch.cat(places).to(self._device)[:, None] * self._speeds
        return Packed(spans, torch.polar(torch.ones_like(angles), angles)[:, None])

    def _mask(self, count: int, before: int) -> Tensor:
        """Causal within the new tokens, and within the window."""
        if count == 1:
            return None
        if (count, before) in self._masks:
            return self._masks[count, before]
        ago = torch.arange(before, before + count, device=self._device)[:, None]
        ago = ago - torch.arange(before + count, device=self._device)
        mask = ago >= 0
        if self._shape.window is not None:  # few combinations: a codec frame is always as many tokens
            mask &= ago < self._shape.window
            self._masks[count, before] = mask
        return mask


def turn(x: Tensor, turns: Tensor) -> Tensor:
    """Rotate pairs of neighbouring numbers: ``x`` is ``[tokens, heads, dim]``."""
    pairs = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * turns).flatten(-2).to(x.dtype)


class RowAttention:
    """Stands in for the ``forward`` of one attention module of pocket-tts, and computes with its weights."""

    def __init__(self, module: Any, layer: int) -> None:
        self._module = module
        self._layer = layer
        self._shared = module.num_heads // module.num_kv_heads
        self._forward = module.forward

    def __call__(self, query: Tensor, model_state: Packed | None, attn_mask: Tensor = None) -> Tensor:
        """``query``: ``[batch, time, width]``, all of whose tokens are one packed batch; as the library calls it."""
        module, state = self._module, model_state
        assert state is not None
        tokens = query.shape[0] * query.shape[1]
        projected = module.in_proj(query).view(tokens, -1)
        width, dim = module.attn_dim, module.dim_per_head
        q = turn(projected[:, :width].unflatten(-1, (module.num_heads, dim)), state.turns)
        kv = projected[:, width:].unflatten(-1, (2, module.num_kv_heads, dim))
        kv = torch.stack([turn(kv[:, 0], state.turns), kv[:, 1]])
        attended = [
            self._attend(q[span.start : span.stop], kv[:, span.start : span.stop], span) for span in state.spans
        ]
        x = attended[0] if len(attended) == 1 else torch.cat(attended)
        return module.out_proj(x.view(*query.shape[:2], width))

    def _attend(self, q: Tensor, new: Tensor, span: Span) -> Tensor:
        """One row: ``q`` ``[count, heads, dim]`` over all that it sees; returns ``[count, heads * dim]``."""
        keys, values = span.cache.put(self._layer, new)
        if self._shared > 1:
            keys, values = keys.repeat_interleave(self._shared, 0), values.repeat_interleave(self._shared, 0)
        x = scaled_dot_product_attention(q.transpose(0, 1)[None], keys[None], values[None], attn_mask=span.mask)
        return x[0].transpose(0, 1).flatten(1)


def adopt(transformer: Any) -> Shape:
    """Let a transformer of pocket-tts attend by rows from now on; returns what its caches are like."""
    for layer, block in enumerate(transformer.layers):
        block.self_attn.forward = RowAttention(block.self_attn, layer)
    module = transformer.layers[0].self_attn
    return Shape(
        len(transformer.layers), module.num_kv_heads, module.dim_per_head, module.context, transformer.max_period
    )
