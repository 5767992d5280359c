"""One stream of Chatterbox: audio-seconds per second of our steps over those of the library's own ``generate``.

Runs in the model's environment, on random weights of the real architecture::

    PYTHONPATH=src ENVIRONMENT/bin/python -m bench.models.chatterbox [--full] [--tokens 100] [--rounds 3]

Random weights end where they were built to (``tests/neural/chatterbox/weights.py``), for both the same.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from syrinx.core.types import SynthesisJob
from syrinx.models.chatterbox.backend import ChatterboxBackend
from syrinx.models.chatterbox.options import ChatterboxOptions
from syrinx.models.chatterbox.runtime import quiet
from tests.neural.chatterbox import weights

TEXT = "The quick brown fox jumps over the lazy dog, and then it sleeps for a long while in the sun."
SAMPLE_RATE = 24_000
REACH = 0.97


def ours(backend: ChatterboxBackend) -> tuple[float, float, float]:
    """Speak; seconds to the first audio, seconds of audio, and seconds in all."""
    steps = backend.stepped()
    began = time.perf_counter()
    steps.open(SynthesisJob("a", TEXT, "default", "en", seed=1))
    first, samples, done = 0.0, 0, False
    while not done:
        (result,) = steps.step(["a"])
        if result.error is not None:
            raise result.error
        if result.chunk is not None:
            first = first or time.perf_counter() - began
            samples += len(result.chunk.samples)
        done = result.done
    steps.close("a")
    return first, samples / SAMPLE_RATE, time.perf_counter() - began


def bare(folder: Path, device: str) -> Callable[[], tuple[float, float]]:
    """Load the library by itself; what it returns speaks and gives seconds of audio, and seconds in all."""
    import torch
    from chatterbox.tts import ChatterboxTTS

    with quiet():
        model: Any = ChatterboxTTS.from_local(folder, device)

    def speak() -> tuple[float, float]:
        began = time.perf_counter()
        torch.manual_seed(1)
        with quiet():
            audio = model.generate(TEXT)
        return audio.shape[-1] / SAMPLE_RATE, time.perf_counter() - began

    return speak


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="0.5B and 0.26B: for a GPU")
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    weights.TOKENS = given.tokens
    with tempfile.TemporaryDirectory() as folder:
        place = weights.build(Path(folder) / "weights", full=given.full)
        backend = ChatterboxBackend(ChatterboxOptions(weights=str(place), device=given.device))
        backend.load()
        library = bare(place, given.device)
        ours(backend)  # what is compiled or filled at the first call
        library()
        pairs = [(ours(backend), library()) for _ in range(given.rounds)]
    first_ms = statistics.median(mine[0] for mine, _ in pairs) * 1000
    mine = statistics.median(audio_s / wall_s for (_, audio_s, wall_s), _ in pairs)
    theirs = statistics.median(audio_s / wall_s for _, (audio_s, wall_s) in pairs)
    print(
        f"first audio {first_ms:.0f} ms; audio-s/s {mine:.3f}, library {theirs:.3f}: {mine / theirs:.2f}x of {REACH}x"
    )
    return 0 if mine >= REACH * theirs else 1


if __name__ == "__main__":
    raise SystemExit(main())
