"""The library at its edge: transformers' classes brought into memory, and what it does on the side undone."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import torch

from syrinx.core.errors import ModelNotReady
from syrinx.models.threads import threads_ended

from .checkpoint import FILES, Checkpoint
from .files import WEIGHTS
from .kinds import Device, Dtype
from .options import Attention


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the library made of a checkpoint."""

    model: Any
    """``VibeVoiceForConditionalGeneration``, in evaluation mode, on its device."""
    processor: Any
    """``VibeVoiceProcessor``."""
    attention: str


def version() -> str:
    """Of the library."""
    return metadata.version("transformers")


def load(found: Checkpoint, device: Device, dtype: Dtype, attention: Attention) -> Loaded:
    """Bring it into memory. Raises ``ModelNotReady`` naming the file for weights that do not fit the configuration."""
    os.environ["HF_HUB_OFFLINE"] = "1"  # read when the hub's library is imported: nothing is looked up anywhere
    from transformers import VibeVoiceForConditionalGeneration, VibeVoiceProcessor
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    chosen = choose_attention(attention, device, dtype)
    try:
        processor: Any = VibeVoiceProcessor.from_pretrained(str(found.folder), local_files_only=True)
        with threads_ended():
            read: Any = VibeVoiceForConditionalGeneration.from_pretrained(
                str(found.folder),
                dtype=dtype,
                attn_implementation={"text_config": chosen},  # the rest has no attention
                local_files_only=True,
                use_safetensors=True,
                output_loading_info=True,
            )
    except ImportError:
        raise  # of the environment, not of the checkpoint
    except Exception as error:  # the library raises anything for a bad file
        reason = " ".join(str(error).split())[:300]
        raise FILES.wrong(found.folder, f"the library refuses it: {reason}") from error
    model, said = read
    _check_complete(found, said)
    if not processor.chat_template:
        raise FILES.wrong(found.folder / "chat_template.jinja", "it is missing")
    return Loaded(model.to(device).eval().requires_grad_(False), processor, chosen)


def _check_complete(found: Checkpoint, said: Any) -> None:
    """The library fills what is missing with random numbers and drops what it does not know; both are no speech."""
    for kind, why in (
        ("missing_keys", "it lacks"),
        ("mismatched_keys", "of another shape is"),
        ("unexpected_keys", "it has"),
    ):
        names = sorted(str(name) for name in said.get(kind) or ())
        if names:
            raise FILES.wrong(
                found.folder / WEIGHTS,
                f"it does not fit config.json: {why} {names[0]} (and {len(names) - 1} more)",
            )


def choose_attention(wanted: Attention, device: Device, dtype: Dtype) -> str:
    """Which to use; ``auto`` falls back, a wish does not. Raises ``ModelNotReady``."""
    fits = device.type == "cuda" and dtype != torch.float32 and importlib.util.find_spec("flash_attn") is not None
    if wanted == "flash_attention_2" and not fits:
        raise ModelNotReady(
            "attention = flash_attention_2 needs a CUDA device, dtype bfloat16 or float16, and the package flash-attn "
            "in the environment vibevoice. Set attention = auto."
        )
    if wanted == "auto":
        return "flash_attention_2" if fits else "sdpa"
    return wanted
