"""The tiny weights of Orpheus, with heads as wide as vLLM's attention on a CPU takes them (32 at least)."""

from __future__ import annotations

from pathlib import Path

from tests.neural.orpheus import weights as orpheus

SIZES = {"hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
MODEL = "orpheus"
"""What it is served as."""
SERVED = {**orpheus.SERVED, "source": "vllm", "max_batch": 4, "context_tokens": 1024}


def build(folder: Path) -> Path:
    orpheus.build(folder, llama=SIZES)
    orpheus.build_codec(folder / "snac_24khz")
    return folder
