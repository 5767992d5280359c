"""A published checkpoint on disk: whether it is whole and of this model, and what tells it from others. Loads nothing.

Layout (that of the repository ``vibevoice/VibeVoice-1.5B-hf``, as transformers writes it): ``config.json``,
``processor_config.json``, ``tokenizer.json`` and its configuration, ``chat_template.jinja``, ``generation_config.json``
and ``model.safetensors`` or its parts with ``model.safetensors.index.json``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .files import Files, digest_of

MODEL_TYPE = "vibevoice"
NEEDED = ("config.json", "processor_config.json", "tokenizer.json", "tokenizer_config.json")
FILES = Files("VibeVoice", "syrinx models install vibevoice")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One that was found whole."""

    folder: Path
    config: Mapping[str, Any]
    digest: str
    """Changes with configuration, tokenizer, layout and weights."""


def read(weights: str) -> Checkpoint:
    """Look at the folder. Raises ``ModelNotReady`` naming the file that is missing or wrong, and the remedy."""
    folder = FILES.folder(weights, NEEDED)
    config = FILES.read_object(folder / "config.json")
    if config.get("model_type") != MODEL_TYPE:
        raise FILES.wrong(folder / "config.json", f"its model_type is {config.get('model_type')!r}, not {MODEL_TYPE!r}")
    if not isinstance(config.get("text_config"), dict):
        raise FILES.wrong(
            folder / "config.json",
            "it has no text_config: this is the layout of microsoft/VibeVoice-1.5B, which transformers does not read; "
            "vibevoice/VibeVoice-1.5B-hf has the same weights in its own",
        )
    parts = FILES.weight_files(folder)
    return Checkpoint(folder, config, digest_of([*(folder / name for name in NEEDED), *parts]))
