"""Keys and values of many jobs in one block of memory, a row a job, as the cache that a Llama in transformers fills.

Rows that are all taken in order are attended to in place; others are gathered. Rows of one length, one job's for
example, are written by a copy, others by an index, which is twice as slow. Memory grows with rows and length, and
is given back when no job is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

GROWTH = 256
"""Positions that rows grow by, so that growing (a copy) is rare."""


class Rows:
    """``update`` is what transformers calls; the rest is ours. Tensors: (rows, key-value heads, length, head size)."""

    def __init__(self, config: Any, device: Any, dtype: Any) -> None:
        heads = config.num_key_value_heads
        self._layers: int = config.num_hidden_layers
        self._shape = (heads, getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads)
        self._device, self._dtype = device, dtype
        self._free: list[int] = []
        self._keys: list[Any] = []
        self._values: list[Any] = []
        self._taken = 0
        self._rows: Any = slice(0, 0)
        self._index: Any = None
        self._places: Any = None
        self._at: int | None = None
        """Where all rows are written from on; None: each at its own place."""
        self._until = 0

    @property
    def size_bytes(self) -> int:
        """Memory held."""
        return sum(block.numel() * block.element_size() for block in (*self._keys, *self._values))

    def take(self) -> int:
        """A row for a job; the lowest that is free, so that rows in use stay together."""
        self._taken += 1
        if self._free:
            self._free.sort()
            return self._free.pop(0)
        return self._taken - 1

    def give(self, row: int) -> None:
        """Take a row back."""
        self._taken -= 1
        self._free.append(row)
        if not self._taken:
            self._free, self._keys, self._values = [], [], []

    def begin(self, rows: Sequence[int], starts: Sequence[int], tokens: int) -> None:
        """Say what the next forward pass writes: ``tokens`` positions of each row, from the row's start on."""
        import torch

        self._until = max(starts) + tokens
        self._reserve(max(rows) + 1, self._until)
        together = list(rows) == list(range(len(rows)))
        self._index = torch.tensor(rows, device=self._device)[:, None]
        self._rows = slice(0, len(rows)) if together else self._index[:, 0]
        self._at = starts[0] if together and len(set(starts)) == 1 else None
        first = torch.tensor(starts, device=self._device)[:, None]
        self._places = first + torch.arange(tokens, device=self._device)

    @property
    def places(self) -> Any:
        """Positions that are written, int64 (rows, tokens)."""
        return self._places

    def get_query_offset(self, layer_idx: int | None = None) -> int:
        """The first position that is written, where transformers makes the mask: rows of one length."""
        return self._until - self._places.shape[1]

    def get_mask_sizes(self, query_length: int, layer_idx: int | None = None) -> tuple[int, int]:
        """Positions that are attended to, and the first of them."""
        return self._until, 0

    def update(self, keys: Any, values: Any, layer_idx: int, *_: Any, **__: Any) -> tuple[Any, Any]:
        """Write (rows, heads, tokens, head size) and return all that those rows have."""
        held = (self._keys[layer_idx], self._values[layer_idx])
        for block, new in zip(held, (keys, values), strict=True):
            if self._at is not None:
                block[self._rows, :, self._at : self._until] = new
            else:
                block[self._index, :, self._places] = new.transpose(1, 2)
        return tuple(block[self._rows][:, :, : self._until] for block in held)  # type: ignore[return-value]

    def _reserve(self, rows: int, length: int) -> None:
        import torch

        have = tuple(self._keys[0].shape[i] for i in (0, 2)) if self._keys else (0, 0)
        if rows <= have[0] and length <= have[1]:
            return
        rows, length = max(rows, have[0]), max(have[1], -(-length // GROWTH) * GROWTH)
        heads, size = self._shape
        for held in (self._keys, self._values):
            for layer in range(self._layers):
                block = torch.zeros((rows, heads, length, size), device=self._device, dtype=self._dtype)
                if len(held) > layer:
                    block[: have[0], :, : have[1]] = held[layer]
                    held[layer] = block
                else:
                    held.append(block)
