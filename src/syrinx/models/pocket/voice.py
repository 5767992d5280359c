"""Voices as the model computes with them: the keys and values that its language model has of a voice prompt.

Files have had two forms. Today's (pocket-tts from 1.1 on, ``export-voice``): a snapshot of that cache, tensors
``transformer.layers.N.self_attn/cache``. The old one (early 2026, and the ``embeddings`` of mirrors of that time): one
tensor ``audio_prompt``, the embedded clip, of use only to the weights that it was made with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from syrinx.core.errors import InvalidRequest, ModelNotReady
from syrinx.models.base import Tensors
from syrinx.models.prompt import MAX_HEADER_BYTES, MAX_PROMPT_BYTES

from .attention import Shape, Tensor
from .files import look_at
from .network import Network

OLD_TENSOR = "audio_prompt"
OLD_ADVICE = (
    "it is of the old form (one tensor, audio_prompt), which pocket-tts wrote until February 2026 and no version reads "
    "any more; make the voice anew from its recording: syrinx voices clone"
)
MAX_CLIP_S = 30.0
"""As pocket-tts truncates clips (``export-voice``)."""
MAX_LENGTH = 4096
"""Positions of a voice that are taken from a file: more than five minutes."""


def bad(why: str) -> InvalidRequest:
    return InvalidRequest(f"The voice prompt cannot be used: {why}.", code="bad_prompt", param="voice")


def _cache_name(layer: int) -> str:
    return f"transformer.layers.{layer}.self_attn/cache"


def _length_name(layer: int) -> str:
    return f"transformer.layers.{layer}.self_attn/offset"


def to_tensors(voice: Tensor) -> Tensors:
    """Today's form of keys and values ``[layers, 2, length, heads, dim]``; ``pocket-tts`` reads it too."""
    tensors: dict[str, Any] = {}
    for layer, content in enumerate(voice.float().cpu()):
        tensors[_cache_name(layer)] = content[:, None].contiguous().numpy()
        tensors[_length_name(layer)] = np.array([content.shape[1]], np.int64)
    return tensors


def from_tensors(tensors: Mapping[str, Any], shape: Shape) -> Tensor:
    """Read today's form (NumPy arrays), checked: ``[layers, 2, length, heads, dim]``, float32.

    Raises ``InvalidRequest`` (``bad_prompt``); the old form is told from rubbish, with advice.
    """
    if OLD_TENSOR in tensors:
        raise bad(OLD_ADVICE)
    if _cache_name(shape.layers) in tensors:
        raise bad(f"it is of a model with more than {shape.layers} layers")
    layers = [_layer(tensors, layer, shape) for layer in range(shape.layers)]
    if len({layer.shape for layer in layers}) != 1:
        raise bad("its layers differ in length")
    voice = np.stack(layers)
    if not np.isfinite(voice).all():
        raise bad("it holds numbers that are not finite")
    return torch.from_numpy(voice)


def _layer(tensors: Mapping[str, Any], layer: int, shape: Shape) -> Any:
    """``[2, length, heads, dim]`` of one layer."""
    cache = tensors.get(_cache_name(layer))
    if cache is None:
        raise bad(f"it has no {_cache_name(layer)}: it was made by another model")
    if (
        cache.dtype != np.float32
        or cache.ndim != 5
        or cache.shape[:2] != (2, 1)
        or cache.shape[3:]
        != (
            shape.heads,
            shape.dim,
        )
    ):
        raise bad(f"{_cache_name(layer)} is {cache.dtype}{list(cache.shape)}: it was made by another model")
    length = _length(tensors, layer)
    if not 0 < length <= min(cache.shape[2], MAX_LENGTH):
        raise bad(f"it says to have {length} positions and holds {cache.shape[2]}")
    return cache[:, 0, :length]


def _length(tensors: Mapping[str, Any], layer: int) -> int:
    offset = tensors.get(_length_name(layer))
    if offset is not None and offset.dtype == np.int64 and offset.size >= 1:
        return int(offset.reshape(-1)[0])
    early = tensors.get(_length_name(layer).replace("offset", "current_end"))  # pocket-tts 1.1 to 1.x: in its shape
    if early is not None and early.ndim:
        return int(early.shape[0])
    raise bad(f"it has no {_length_name(layer)}")


@dataclass(frozen=True, slots=True)
class VoiceFile:
    """A named voice in a file."""

    path: Path
    trusted: bool
    """It lies with the weights, so its old form fits them."""

    def read(self, network: Network) -> Tensor:
        """Keys and values, on the network's device.

        Raises ``InvalidRequest`` (``bad_prompt``) for what is no voice of this model, ``ModelNotReady`` for no file.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        look_at(self.path)
        try:
            tensors = load_file(self.path)
        except (SafetensorError, ValueError, KeyError, TypeError) as error:
            raise ModelNotReady(f"{self.path} cannot be read: {str(error)[:200]}") from None
        if OLD_TENSOR in tensors and self.trusted:
            return network.prefill(_old(tensors[OLD_TENSOR], network))
        return from_tensors(tensors, network.language_shape).to(network.device)


def _old(prompt: Any, network: Network) -> Tensor:
    """The old form, of these weights: ``[1, length, width]``."""
    if prompt.ndim != 3 or prompt.shape[0] != 1 or prompt.shape[2] != network.width or not np.isfinite(prompt).all():
        raise bad(f"{OLD_TENSOR} is {list(prompt.shape)}: it was made by another model")
    return network.with_begin(torch.from_numpy(prompt[0].astype(np.float32)).to(network.device))


def longest_clip_s(shape: Shape, frames_per_s: float) -> float:
    """Seconds of a clip that are used: what pocket-tts takes, as long as its prompt is not over the limit."""
    position = shape.layers * 2 * shape.heads * shape.dim * 4
    return min(MAX_CLIP_S, (MAX_PROMPT_BYTES - 2 * MAX_HEADER_BYTES) // position / frames_per_s - 1)
