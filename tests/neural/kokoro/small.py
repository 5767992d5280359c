"""The real model but for its decoder, which takes most of the time and whose sizes are fixed in the library's code."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import torch

from syrinx.models.kokoro.backend import KokoroBackend
from syrinx.models.kokoro.options import KokoroOptions
from syrinx.models.kokoro.readers import Readers
from syrinx.models.kokoro.weights import load_model

from .weights import build

_Module: Any = torch.nn.Module


class SmallDecoder(_Module):
    """The library's own excitation, as loud as the text and the style say: float32 [batch, 1, frames * 600]."""

    def __init__(self, decoder: Any) -> None:
        super().__init__()
        self.generator = torch.nn.Module()
        self.generator.m_source = decoder.generator.m_source
        self.generator.f0_upsamp = decoder.generator.f0_upsamp

    def forward(self, text: Any, pitch: Any, energy: Any, style: Any) -> Any:
        source, _, _ = self.generator.m_source(self.generator.f0_upsamp(pitch[:, None]).transpose(1, 2))
        gain = 1 + text.mean(1).tanh().repeat_interleave(600, dim=1) + style.mean(1, keepdim=True)
        return (source.squeeze(-1) * gain * 4).unsqueeze(1)


class SmallKokoro(KokoroBackend):
    """Everything ours and everything of the library's but the decoder; loaded once."""

    def _model(self, folder: Path) -> Any:
        model, decoder = _loaded(folder)
        model.decoder = SmallDecoder(decoder)
        return model.eval()

    def _readers(self, folder: Path) -> Readers:
        return _readers(folder)


_FOLDER = tempfile.TemporaryDirectory(prefix="kokoro-", ignore_cleanup_errors=True)


@cache
def checkpoint() -> Path:
    """A tiny checkpoint, made once."""
    return build(Path(_FOLDER.name))


def small_backend(**options: Any) -> SmallKokoro:
    return SmallKokoro(KokoroOptions(weights=str(checkpoint()), threads=1, **options))


@cache
def _loaded(folder: Path) -> tuple[Any, Any]:
    model = load_model(folder)
    return model, model.decoder


@cache
def _readers(folder: Path) -> Readers:
    return Readers(folder)
