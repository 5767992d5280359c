"""T3's Llama, layer by layer: the arithmetic of ``LlamaModel`` (transformers 5.23, Apache-2.0) for one job's few rows.

The library's loop has transformers join keys and values anew for every token, which copies all of them, and a layer
takes it some forty small operations. Here they are written into room that is there, projections of the same input are
one product, and the attention that Multilingual looks at is computed for the heads that it looks at only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

ROOM = 256
"""Places that keys and values are given at a time: some 10 s of speech."""
Head = tuple[int, int]
"""A layer, and a head of it."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Weights of a layer, as torch's; ``qkv`` and ``gate_up`` are those of several projections, one on the other."""

    norm: Any
    qkv: Any
    out: Any
    norm_after: Any
    gate_up: Any
    down: Any


class Backbone:
    """The network, shared by all jobs. Its weights are those of the module, which stays as usable as it was."""

    def __init__(self, module: Any) -> None:
        """``module`` is a ``LlamaModel`` with as many heads of keys as of queries, and without biases."""
        self.module = module
        self.layers = [
            Layer(
                layer.input_layernorm.weight,
                together([layer.self_attn.q_proj, layer.self_attn.k_proj, layer.self_attn.v_proj]),
                layer.self_attn.o_proj.weight,
                layer.post_attention_layernorm.weight,
                together([layer.mlp.gate_proj, layer.mlp.up_proj]),
                layer.mlp.down_proj.weight,
            )
            for layer in module.layers
        ]
        self.norm = module.norm.weight
        self.epsilon: float = module.config.rms_norm_eps
        self.head_dim: int = module.layers[0].self_attn.head_dim

    def turns(self, start: int, end: int) -> tuple[Any, Any]:
        """Give the cosines and sines of places, (1, 1, places, head_dim) each; the first half of the sines negative."""
        import torch

        places = torch.arange(start, end, device=self.norm.device)[None]
        cosines, sines = self.module.rotary_emb(self.norm, places)
        sines[..., : self.head_dim // 2].neg_()
        return cosines[:, None], sines[:, None]


def together(projections: Sequence[Any]) -> Any:
    """Lay weights into one tensor, of which the modules keep views: no more memory, and one product instead of many."""
    import torch

    with torch.no_grad():
        weight = torch.cat([one.weight for one in projections])
        for one, part in zip(projections, weight.split([len(one.weight) for one in projections]), strict=True):
            one.weight.data = part
    return weight


def product(inputs: Any, weight: Any) -> Any:
    """Map (rows, new, in) by a weight (out, in).

    Two rows at once are the one shape that a CPU's library does badly: the weight times two columns, which is the same,
    takes a quarter of the time (measured with torch 2.13 and MKL; benchmarks of this model).
    """
    import torch.nn.functional as F

    if inputs.device.type != "cpu" or inputs.shape[:2] != (2, 1):
        return F.linear(inputs, weight)
    return (weight @ inputs[:, 0].T).T.contiguous()[:, None]


class Rows:
    """What one job has put through the network so far: a few rows of the same length."""

    def __init__(self, backbone: Backbone, rows: int, watched: Sequence[Head] = ()) -> None:
        """``watched``: heads whose attention is wanted."""
        self._backbone = backbone
        self._rows = rows
        self._watched = watched
        self._length = 0
        self._turns = backbone.turns(0, 0)
        self._kept: Any = None
        self.attention: list[Any] = []
        """Of the first row and the last call, for each watched head: float32 (new, all), on the CPU."""

    def go_on(self, inputs: Any) -> Any:
        """Put in (rows, new, width), many at first and then one; return the output of the last place, (rows, width)."""
        import torch.nn.functional as F

        start, self._length = self._length, self._length + inputs.shape[1]
        assert start == 0 or inputs.shape[1] == 1, "more than one place at once is the beginning"
        self._make_room()
        self.attention = []
        hidden = inputs
        for index, layer in enumerate(self._backbone.layers):
            hidden = self._layer(index, layer, hidden, start)
        return F.rms_norm(hidden[:, -1], self._backbone.norm.shape, self._backbone.norm, self._backbone.epsilon)

    def _layer(self, index: int, layer: Layer, hidden: Any, start: int) -> Any:
        import torch.nn.functional as F

        width, epsilon = layer.norm.shape, self._backbone.epsilon
        three = product(F.rms_norm(hidden, width, layer.norm, epsilon), layer.qkv)
        three = three.view(*three.shape[:2], 3, -1, self._backbone.head_dim).permute(2, 0, 3, 1, 4)
        queries, keys, values = self._keep(index, three, start)
        mixed = F.scaled_dot_product_attention(queries, keys, values, is_causal=start == 0)
        self._watch(index, queries, keys, start)
        hidden = hidden + product(mixed.transpose(1, 2).flatten(2), layer.out)
        gate, up = product(F.rms_norm(hidden, width, layer.norm_after, epsilon), layer.gate_up).chunk(2, -1)
        return hidden + product(F.silu(gate) * up, layer.down)

    def _keep(self, index: int, three: Any, start: int) -> tuple[Any, Any, Any]:
        """Turn queries and keys by their places; give the queries, and all keys and values."""
        cosines, sines = (each[:, :, start : self._length] for each in self._turns)
        turned = three[:2] * cosines + three[:2].roll(self._backbone.head_dim // 2, -1) * sines
        kept = self._kept[index]
        kept[0, :, :, start : self._length] = turned[1]
        kept[1, :, :, start : self._length] = three[2]
        return turned[0], kept[0, :, :, : self._length], kept[1, :, :, : self._length]

    def _make_room(self) -> None:
        """Have room for keys and values of all places: (layers, 2, rows, heads, room, head_dim)."""
        backbone, old = self._backbone, self._kept
        have = 0 if old is None else old.shape[4]
        if self._length <= have:
            return
        room = self._length + ROOM
        norm, size = backbone.norm, backbone.head_dim
        heads = backbone.layers[0].out.shape[1] // size
        self._kept = norm.new_empty(len(backbone.layers), 2, self._rows, heads, room, size)
        if old is not None:
            self._kept[:, :, :, :, :have] = old
        self._turns = backbone.turns(0, room)

    def _watch(self, index: int, queries: Any, keys: Any, start: int) -> None:
        import torch

        for _, head in (each for each in self._watched if each[0] == index):
            scores = queries[0, head].float() @ keys[0, head].float().T * self._backbone.head_dim**-0.5
            if start == 0:
                scores += torch.full_like(scores, -torch.inf).triu(1)
            self.attention.append(scores.softmax(-1).cpu())
