"""One stream of Qwen3-TTS: audio-seconds per second of our steps over those of the library's own call.

Runs in the model's environment, on random weights of the real architecture::

    PYTHONPATH=src ENVIRONMENT/bin/python -m bench.models.qwen [--full] [--rows 48] [--rounds 3] [--device cuda]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.figure import MISSED, table
from bench.models.steps import cancels
from syrinx.core.types import SynthesisJob
from syrinx.models.qwen.backend import QwenBackend
from syrinx.models.qwen.options import QwenOptions
from tests.neural.qwen.weights import build

TEXT = "The quick brown fox jumps over the lazy dog, and then it sleeps for a long while in the sun."
ROW_S = 0.08
REACH = 0.97


def job(seed: int) -> SynthesisJob:
    return SynthesisJob("a", TEXT, "ryan", "en", seed=seed)


def ours(backend: QwenBackend, seed: int) -> tuple[float, float, float]:
    """Speak; seconds to the first audio, seconds in all, seconds of audio."""
    steps = backend.stepped()
    began = time.perf_counter()
    steps.open(job(seed))
    first, samples, done = 0.0, 0, False
    while not done:
        (result,) = steps.step(["a"])
        if result.error is not None:
            raise result.error
        done = result.done
        if result.chunk is not None:
            first = first or time.perf_counter() - began
            samples += len(result.chunk.samples)
    steps.close("a")
    return first, time.perf_counter() - began, samples / 24_000


def bare(backend: QwenBackend, rows: int) -> Callable[[int], tuple[float, float]]:
    """The library's own call, on the same loaded modules: seconds it takes, and of audio."""
    import torch

    voice: Any = backend._voice  # pyright: ignore[reportPrivateUsage]

    def speak(seed: int) -> tuple[float, float]:
        torch.manual_seed(seed)
        began = time.perf_counter()
        (sound,), rate = voice._model.generate_custom_voice(
            text=TEXT, speaker="ryan", language="English", max_new_tokens=rows + 1
        )
        return time.perf_counter() - began, len(sound) / rate

    return speak


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="0.6B in bfloat16: for a GPU, or patience")
    parser.add_argument("--rows", type=int, default=48, help="Codec frames of 80 ms")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder), full=given.full)
        dtype = "bfloat16" if given.full else "auto"
        backend = QwenBackend(
            QwenOptions(weights=folder, device=given.device, dtype=dtype, max_seconds=given.rows * ROW_S)
        )
        backend.load()
        library = bare(backend, given.rows)
        ours(backend, 0)  # what is slow the first time
        library(0)
        firsts: list[float] = []
        speeds: list[float] = []
        theirs: list[float] = []
        for seed in range(1, given.rounds + 1):  # by turns: both in the same weather
            first, took_s, audio_s = ours(backend, seed)
            firsts.append(first)
            speeds.append(audio_s / took_s)
            took_s, audio_s = library(seed)
            theirs.append(audio_s / took_s)
        canceled = cancels("Qwen3-TTS", backend.stepped(), job(1))
        backend.unload()
    speed, yardstick = statistics.median(speeds), statistics.median(theirs)
    print(f"first audio {statistics.median(firsts):.2f} s")
    print(f"audio-s/s: ours {speed:.3f}, library {yardstick:.3f}: {speed / yardstick:.2f}x (reach >= {REACH}x)")
    print(table([canceled]))
    return 0 if speed >= REACH * yardstick and canceled.ok else MISSED


if __name__ == "__main__":
    raise SystemExit(main())
