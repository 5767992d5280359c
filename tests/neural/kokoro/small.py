"""The real model but for its decoder, which takes most of the time and whose sizes are fixed in the library's code."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import torch

from syrinx.models.kokoro.backend import KokoroBackend
from syrinx.models.kokoro.decoder import Prosody, Steps, excitation
from syrinx.models.kokoro.network import Network
from syrinx.models.kokoro.options import KokoroOptions
from syrinx.models.kokoro.readers import Readers
from syrinx.models.kokoro.steps import Speaker
from syrinx.models.kokoro.weights import load_model

from .weights import build

_Module: Any = torch.nn.Module


class SmallDecoder(_Module):
    """What ``decode`` below needs: the library's own excitation, which is as loud as the text and the style say."""

    def __init__(self, decoder: Any) -> None:
        super().__init__()
        self.generator = torch.nn.Module()
        self.generator.m_source = decoder.generator.m_source
        self.generator.f0_upsamp = decoder.generator.f0_upsamp


def decode(decoder: SmallDecoder, given: Prosody) -> Steps:
    """Stands for ``syrinx.models.kokoro.decoder.decode``: two steps."""
    source = excitation(decoder.generator, given.pitch, given.seeds)
    yield
    gain = 1 + given.text.mean(1).tanh().repeat_interleave(600, dim=1) + given.style.mean(1, keepdim=True)
    return (source.squeeze(-1) * gain * 4).unsqueeze(1)


class SmallKokoro(KokoroBackend):
    """Everything ours and everything of the library's but the decoder; loaded once."""

    def _model(self, folder: Path) -> Any:
        model, decoder = _loaded(folder)
        model.decoder = SmallDecoder(decoder)
        return model.eval()

    def _network(self, model: Any, dtype: Any) -> Speaker:
        return Network(model, dtype, decode)

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
