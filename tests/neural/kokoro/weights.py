"""Random weights of Kokoro's real architecture in the published layout."""

from __future__ import annotations

import io
import json
import math
import warnings
from pathlib import Path
from typing import Any, cast

import torch

from .config import CONFIG, tiny

VOICES = ("af_heart", "af_bella", "am_adam", "bf_emma", "ff_siwis", "hf_alpha", "jf_alpha", "zf_xiaobei")
PARTS = ("bert", "bert_encoder", "predictor", "text_encoder", "decoder")
SEED = 5


def build(folder: Path, *, full: bool = False, frames: float = 3.0, voices: tuple[str, ...] = VOICES) -> Path:
    """Write a checkpoint (tiny: 235 MB, full: 327 MB) whose every phoneme lasts ``frames`` frames."""
    from kokoro.model import KModel

    config = CONFIG if full else tiny()
    torch.manual_seed(SEED)
    nothing = io.BytesIO()
    torch.save({}, nothing)
    nothing.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = KModel(repo_id="local", config=config, model=cast(Any, nothing))
    _pin_durations(model, frames / config["max_dur"])
    (folder / "voices").mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    # the published file's names have this prefix
    parts = {p: {f"module.{k}": v for k, v in getattr(model, p).state_dict().items()} for p in PARTS}
    torch.save(parts, folder / "kokoro-v1_0.pth")
    for name in voices:
        torch.save(torch.randn(510, 1, 256) * 0.1, folder / "voices" / f"{name}.pt")
    return folder


def _pin_durations(model: Any, share: float) -> None:
    """Durations are sums of ``max_dur`` sigmoids: give each the same share, hardly moved by what comes in."""
    linear = model.predictor.duration_proj.linear_layer
    with torch.no_grad():
        linear.weight.mul_(0.02)
        linear.bias.fill_(math.log(share / (1 - share)))
