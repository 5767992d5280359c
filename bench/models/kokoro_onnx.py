"""Kokoro on onnxruntime: our steps beside the plain library, on an export of random weights of the real architecture::

    PYTHONPATH=src python -m bench.models.kokoro_onnx ENVIRONMENT [--tiny] [--rounds 3] [--weights FOLDER]

Runs in the server's environment; ENVIRONMENT is the folder of the model's. The environment kokoro beside it has torch
and writes the graph (full size: half a minute, 325 MB); the package onnx, which torch writes with, is fetched for it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.figure import MISSED, Figure, table
from bench.models.kokoro import SENTENCES, VOICE
from syrinx.models.install import pip_for

WRITER = ("onnx==1.23.2", "protobuf==7.36.2", "ml_dtypes==0.6.0")
"""What torch's exporter imports beside what the environment has."""
ROOT = Path(__file__).parents[2]

COMPARE = """
import json, os, sys, time
from pathlib import Path
import numpy as np
import onnxruntime
from kokoro_onnx import Kokoro
from syrinx.core.types import SynthesisJob
from syrinx.models.kokoro.readers import Readers
from syrinx.models.registry import create
folder, rounds, voice, sentences = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4])
backend = create("kokoro-onnx", {"weights": str(folder)})
info = backend.load()
steps, readers = backend.stepped(), Readers(folder)
settings = onnxruntime.SessionOptions()
settings.intra_op_num_threads = os.cpu_count()
network = str(folder / "kokoro-v1.0.onnx")
session = onnxruntime.InferenceSession(network, settings, providers=["CPUExecutionProvider"])
library = Kokoro.from_session(session, str(folder / "voices-v1.0.bin"))

def ours():
    began, first, samples, words, took = time.perf_counter(), 0.0, 0, 0, []
    for index, sentence in enumerate(sentences):
        steps.open(SynthesisJob("a", sentence, voice, "en-US", segment_index=index))
        done = False
        while not done:
            at = time.perf_counter()
            (result,) = steps.step(["a"])
            took.append(time.perf_counter() - at)
            assert result.error is None and np.isfinite(result.chunk.samples).all()
            first = first or time.perf_counter() - began
            samples, words, done = samples + len(result.chunk.samples), words + len(result.chunk.marks), result.done
        steps.close("a")
    return {"first_s": first, "audio_s": samples / 24000, "wall_s": time.perf_counter() - began, "words": words,
            "longest_step_s": max(took)}

def bare():
    began, first, samples = time.perf_counter(), 0.0, 0
    for sentence in sentences:
        phonemes = "".join(u.phonemes + " " * u.spaced for u in readers.read(sentence, "a")).strip()
        samples += len(library.create(phonemes, voice, is_phonemes=True, trim=False)[0])
        first = first or time.perf_counter() - began
    return {"first_s": first, "audio_s": samples / 24000, "wall_s": time.perf_counter() - began}

ours(), bare()
for _ in range(rounds):
    print(json.dumps([ours(), bare()]), flush=True)
"""


def export(environment: Path, folder: Path, *, full: bool) -> Path:
    """Write the checkpoint with the environment that has torch."""
    python, packages = environment.parent / "kokoro" / "bin" / "python", folder / "packages"
    quiet = ["--quiet", "--no-deps", "--disable-pip-version-check", "--target", str(packages)]
    subprocess.run([*pip_for(python), "install", *quiet, *WRITER], check=True)
    command = [str(python), "-W", "ignore", "-m", "tests.neural.kokoro.export", str(folder / "weights")]
    subprocess.run([*command, *(["--full"] if full else [])], env=_environ(packages), cwd=ROOT, check=True)
    return folder / "weights"


def compare(environment: Path, weights: Path, rounds: int) -> list[Figure]:
    """All figures."""
    python = environment / "bin" / "python"
    command = [str(python), "-W", "ignore", "-c", COMPARE, str(weights), str(rounds), VOICE, json.dumps(SENTENCES)]
    done = subprocess.run(command, env=_environ(), check=True, stdout=subprocess.PIPE, text=True)
    pairs = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    mine, theirs = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    speed, bare = (statistics.median(one["audio_s"] / one["wall_s"] for one in side) for side in (mine, theirs))
    first, whole = (statistics.median(one["first_s"] for one in side) for side in (mine, theirs))
    words, spoken = mine[0]["words"], sum(len(sentence.split()) for sentence in SENTENCES)
    longest = max(one["longest_step_s"] for one in mine)
    name = f"kokoro-onnx, {spoken} words"
    return [
        Figure(f"{name}: first audio", "-", f"{first:.2f} s", f"{whole:.2f} s, a sentence", ok=True),
        Figure(
            f"{name}: audio-s/s over the plain library's, a sentence at a time",
            ">= 0.97x",
            f"{speed / bare:.2f}x ({speed:.2f})",
            f"{bare:.2f}",
            ok=speed >= 0.97 * bare,
        ),
        Figure(f"{name}: longest step", "-", f"{longest:.2f} s", "-", ok=True),
        Figure(f"{name}: words in time", str(spoken), str(words), "-", ok=words == spoken),
    ]


def _environ(*places: Path) -> dict[str, str]:
    path = os.pathsep.join(map(str, (ROOT / "src", ROOT, *places)))
    return {"OMP_WAIT_POLICY": "PASSIVE", **os.environ, "PYTHONPATH": path, "HF_HUB_OFFLINE": "1"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.models.kokoro_onnx", description=__doc__)
    parser.add_argument("environment", type=Path)
    parser.add_argument("--tiny", action="store_true", help="shows that the measure works; its figures say nothing")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--weights", type=Path, help="an export that is there; else one is made")
    given = parser.parse_args()
    environment = given.environment.absolute()
    with tempfile.TemporaryDirectory(prefix="syrinx-bench-kokoro-onnx-") as folder:
        weights = given.weights or export(environment, Path(folder), full=not given.tiny)
        figures = compare(environment, weights.absolute(), given.rounds)
    sys.stdout.write(table(figures) + "\n")
    return 0 if all(figure.ok for figure in figures) else MISSED


if __name__ == "__main__":
    raise SystemExit(main())
