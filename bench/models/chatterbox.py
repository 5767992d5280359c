"""One stream of Chatterbox: audio-seconds per second of our steps over those of the library's own ``generate``.

Runs in the model's environment, on random weights of the real architecture, or on those of a folder::

    PYTHONPATH=src ENVIRONMENT/bin/python -m bench.models.chatterbox [--size tiny|quarter|full] [--tokens 100]
        [--recording 150] [--heard 250] [--rounds 3] [--cold] [--device cpu] [--weights FOLDER]

Random weights end where they were built to (``tests/neural/chatterbox/weights.py``), for both the same. ``quarter`` is
the real one with 8 of T3's 30 layers, 2 of 12 and of 6 blocks of the flow decoder and its encoder: seconds of audio
within minutes on two cores. The voice's recording, up to 10 s (250 tokens), is decoded again with every chunk: its
length decides what streaming costs. Both sides mark what they say.
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

from bench.figure import MISSED, Figure, table
from bench.models.steps import cancels
from syrinx.core.types import SynthesisJob
from syrinx.models.chatterbox.backend import ChatterboxBackend
from syrinx.models.chatterbox.options import ChatterboxOptions
from syrinx.models.chatterbox.runtime import quiet
from tests.neural.chatterbox import weights

TEXT = "The quick brown fox jumps over the lazy dog, and then it sleeps for a long while in the sun."
SAMPLE_RATE = 24_000
REACH = 0.97
JOB = SynthesisJob("a", TEXT, "default", "en", seed=1)


@dataclass(frozen=True, slots=True)
class Spoken:
    """One side's utterance."""

    first_s: float
    audio_s: float
    wall_s: float

    @property
    def speed(self) -> float:
        """Audio-seconds per second."""
        return self.audio_s / self.wall_s


def ours(backend: ChatterboxBackend) -> Spoken:
    """Speak by steps."""
    steps = backend.stepped()
    began = time.perf_counter()
    steps.open(JOB)
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
    return Spoken(first, samples / SAMPLE_RATE, time.perf_counter() - began)


def bare(folder: Path, device: str) -> Callable[[], Spoken]:
    """Load the library by itself; what it returns speaks, all at once."""
    import torch
    from chatterbox.tts import ChatterboxTTS

    with quiet():
        model: Any = ChatterboxTTS.from_local(folder, device)

    def speak() -> Spoken:
        began = time.perf_counter()
        torch.manual_seed(1)
        with quiet():
            audio = model.generate(TEXT)
        wall_s = time.perf_counter() - began
        return Spoken(wall_s, audio.shape[-1] / SAMPLE_RATE, wall_s)

    return speak


def measured(place: Path, given: argparse.Namespace) -> tuple[list[tuple[Spoken, Spoken]], Figure]:
    """Speak in turns, ours and the library's; then cancel."""
    options = {"weights": str(place), "device": given.device, "recording_tokens": given.heard}
    backend = ChatterboxBackend(ChatterboxOptions(variant="english", **options))
    backend.load()
    library = bare(place, given.device)
    if not given.cold:  # what is compiled or filled at the first call
        ours(backend)
        library()
    pairs = [(ours(backend), library()) for _ in range(given.rounds)]
    return pairs, cancels("Chatterbox", backend.stepped(), JOB)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=weights.SHAPES, default="tiny")
    parser.add_argument("--tokens", type=int, default=100, help="of 40 ms, that random weights say")
    parser.add_argument("--recording", type=int, default=150, help="tokens of 40 ms of the voice's recording")
    parser.add_argument("--heard", type=int, default=250, help="most of those that ours is decoded with")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cold", action="store_true", help="measure from the first utterance on")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--weights", type=Path, help="a checkpoint in place of random weights, as published")
    return parser.parse_args()


def main() -> int:
    given = parsed()
    weights.TOKENS, weights.PROMPT = given.tokens, given.recording
    with tempfile.TemporaryDirectory() as folder:
        if given.weights is not None:
            weights.shape(given.size)
        place = given.weights or weights.build(Path(folder) / "weights", size=given.size)
        pairs, canceled = measured(place, given)
    mine, theirs = ([pair[side] for pair in pairs] for side in (0, 1))
    speed, reference = (statistics.median(each.speed for each in side) for side in (mine, theirs))
    first_ms, all_ms = (statistics.median(each.first_s for each in side) * 1000 for side in (mine, theirs))
    print(
        f"{given.size}, {mine[0].audio_s:.1f} s of audio, a recording of {given.recording * 0.04:.1f} s, {given.device}"
    )
    print(f"first audio {first_ms:.0f} ms, library (all at once) {all_ms:.0f} ms")
    print(f"audio-s/s {speed:.3f}, library {reference:.3f}: {speed / reference:.2f}x of {REACH}x")
    print(table([canceled]))
    return 0 if speed >= REACH * reference and canceled.ok else MISSED


if __name__ == "__main__":
    raise SystemExit(main())
