"""One stream of VibeVoice: audio-seconds per second of our steps over those of the library's own ``generate``.

Runs in the model's environment, on random weights of the real architecture::

    PYTHONPATH=src ENVIRONMENT/bin/python -m bench.models.vibevoice [--full] [--frames 60] [--rounds 3]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.figure import MISSED, table
from bench.models.steps import cancels
from syrinx.core.types import SynthesisJob
from syrinx.models.vibevoice.backend import VibeVoiceBackend
from syrinx.models.vibevoice.options import VibeVoiceOptions
from tests.neural.vibevoice.weights import build

TEXT = "The quick brown fox jumps over the lazy dog, and then it sleeps for a long while in the sun."
SAMPLE_RATE = 24_000
REACH = 0.97


@dataclass(frozen=True, slots=True)
class Spoken:
    """One side's utterance."""

    audio_s: float
    """As it is: a side that says other tokens makes fewer frames."""
    wall_s: float
    first_s: float

    @property
    def speed(self) -> float:
        """Audio-seconds per second."""
        return self.audio_s / self.wall_s


def job(frames: int) -> SynthesisJob:
    return SynthesisJob("a", TEXT, "default", "en", options={"max_frames": frames}, seed=1)


def ours(backend: VibeVoiceBackend, frames: int) -> Spoken:
    """Speak by steps."""
    steps = backend.stepped()
    began = time.perf_counter()
    steps.open(job(frames))
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
    return Spoken(samples / SAMPLE_RATE, time.perf_counter() - began, first)


def bare(folder: Path, options: VibeVoiceOptions) -> Callable[[int], Spoken]:
    """Load the library by itself; what it returns speaks so many frames at most, all at once."""
    import torch
    from transformers import VibeVoiceForConditionalGeneration, VibeVoiceProcessor

    from syrinx.models.device import choose_device, choose_dtype

    device = choose_device(options)
    loaded: Any = VibeVoiceForConditionalGeneration.from_pretrained(folder, dtype=choose_dtype(options))
    model = loaded.to(device).eval()
    processor: Any = VibeVoiceProcessor.from_pretrained(folder)
    script = [{"role": "0", "content": [{"type": "text", "text": TEXT}]}]
    written = processor.apply_chat_template(script, tokenize=False)

    def speak(frames: int) -> Spoken:
        began = time.perf_counter()
        torch.manual_seed(1)
        inputs = processor(text=[written], return_tensors="pt").to(device)
        (audio,) = model.generate(
            **inputs,
            max_new_tokens=frames,
            num_diffusion_steps=options.num_diffusion_steps,
            guidance_scale=options.guidance_scale,
        )
        samples = len(audio.reshape(-1).float().cpu())
        wall_s = time.perf_counter() - began
        return Spoken(samples / SAMPLE_RATE, wall_s, wall_s)

    return speak


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="1.5B in bfloat16: for a GPU")
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        weights = build(Path(folder) / "weights", full=given.full)
        options = VibeVoiceOptions(weights=str(weights), device=given.device)
        backend = VibeVoiceBackend(options)
        backend.load()
        library = bare(weights, options)
        ours(backend, 3)  # what is compiled or filled at the first call
        library(3)
        pairs = [(ours(backend, given.frames), library(given.frames)) for _ in range(given.rounds)]
        canceled = cancels("VibeVoice", backend.stepped(), job(given.frames))
    mine, theirs = ([pair[side] for pair in pairs] for side in (0, 1))
    speed, yardstick = (statistics.median(each.speed for each in side) for side in (mine, theirs))
    first_ms = statistics.median(each.first_s for each in mine) * 1000
    print(
        f"VibeVoice, one stream: {speed:.3f} audio-s/s, {mine[0].audio_s:.2f} s of audio, first after {first_ms:.0f} ms"
    )
    print(f"the library's generate: {yardstick:.3f} audio-s/s, {theirs[0].audio_s:.2f} s of audio")
    print(f"ratio: {speed / yardstick:.3f}x, reach >= {REACH}x")
    print(table([canceled]))
    return 0 if speed >= REACH * yardstick and canceled.ok else MISSED


if __name__ == "__main__":
    raise SystemExit(main())
