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
FRAMES = 3.0
"""Of 25 ms: about what real weights give a phoneme."""


def build(folder: Path, *, full: bool = False) -> Path:
    """Write a checkpoint (tiny: 235 MB, full: 327 MB) whose every phoneme lasts ``FRAMES`` frames."""
    model = random_model(full=full)
    (folder / "voices").mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(CONFIG if full else tiny()), encoding="utf-8")
    # the published file's names have this prefix
    parts = {p: {f"module.{k}": v for k, v in getattr(model, p).state_dict().items()} for p in PARTS}
    torch.save(parts, folder / "kokoro-v1_0.pth")
    for name, pack in voice_packs().items():
        torch.save(pack, folder / "voices" / f"{name}.pt")
    return folder


def random_model(*, full: bool, disable_complex: bool = False) -> Any:
    """The library's model before any training; ``disable_complex``: as it must be to be exported."""
    from kokoro.model import KModel

    config = CONFIG if full else tiny()
    torch.manual_seed(SEED)
    nothing = io.BytesIO()
    torch.save({}, nothing)
    nothing.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = KModel(repo_id="local", config=config, model=cast(Any, nothing), disable_complex=disable_complex)
    _pin_durations(model, FRAMES / config["max_dur"])
    return model


def voice_packs() -> dict[str, Any]:
    random = torch.Generator().manual_seed(SEED)
    return {name: torch.randn(510, 1, 256, generator=random) * 0.1 for name in VOICES}


def _pin_durations(model: Any, share: float) -> None:
    """Durations are sums of ``max_dur`` sigmoids: give each the same share, hardly moved by what comes in."""
    linear = model.predictor.duration_proj.linear_layer
    with torch.no_grad():
        linear.weight.mul_(0.02)
        linear.bias.fill_(math.log(share / (1 - share)))
