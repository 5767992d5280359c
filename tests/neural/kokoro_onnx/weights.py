"""A small network with the inputs and outputs of the published one, in the published layout.

Each phoneme is a tone of its own, as long as a table says. The real architecture can only be exported where torch is:
``tests.neural.kokoro.export`` does that.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .graph import FLOAT, INT64, Graph

VOICES = ("af_heart", "af_bella", "am_adam", "bf_emma", "ff_siwis", "hf_alpha", "jf_alpha", "zf_xiaobei")
TOKENS = 178
FRAMES = 3.0
"""Frames that every phoneme lasts."""


def build(folder: Path, *, full: bool = False, timed: bool = True, tokens: str = "input_ids") -> Path:
    """Write both files. ``timed``: it tells durations, as newer exports do; ``tokens``: the name of its first input."""
    if full:
        raise NotImplementedError("python -m tests.neural.kokoro.export FOLDER, in the environment kokoro, makes it")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kokoro-v1.0.onnx").write_bytes(_network(timed, tokens).encode())
    random = np.random.default_rng(5)
    packs = {name: (random.standard_normal((510, 1, 256)) * 0.1).astype(np.float32) for name in VOICES}
    with open(folder / "voices-v1.0.bin", "wb") as file:
        np.savez(file, **packs)  # pyright: ignore[reportArgumentType]
    return folder


def _network(timed: bool, tokens: str) -> Graph:
    g = Graph()
    ids, style, speed = (
        g.input(tokens, INT64, 1, "phonemes"),
        g.input("style", FLOAT, 1, 256),
        g.input("speed", FLOAT, 1),
    )
    flat = g.node("Reshape", [ids, g.constant(np.array([-1]))])
    duration = _durations(g, flat, speed)
    total = g.node("ReduceSum", [duration], keepdims=0)
    frames = g.node("Range", [g.constant(0), total, g.constant(1)])
    ends = g.node("CumSum", [duration, g.constant(0)])
    over = g.node("GreaterOrEqual", [g.node("Unsqueeze", [frames, g.constant(np.array([1]))]), ends])
    spoken = g.node("ReduceSum", [g.node("Cast", [over], to=INT64), g.constant(np.array([1]))], keepdims=0)
    hertz = g.node("Gather", [g.constant(100.0 + 5 * np.arange(TOKENS)), g.node("Gather", [flat, spoken])])
    _sound(g, hertz, style)
    g.output("audio", FLOAT, "samples")
    if timed:
        g.output("duration", INT64, "phonemes")
    return g


def _durations(g: Graph, flat: str, speed: str) -> str:
    usual = g.node("Gather", [g.constant(np.full(TOKENS, FRAMES)), flat])
    whole = g.node("Max", [g.node("Round", [g.node("Div", [usual, speed])]), g.constant(1.0)])
    return g.node("Cast", [whole], "duration", to=INT64)


def _sound(g: Graph, hertz: str, style: str) -> str:
    """600 samples a frame, with a little noise of the graph's own, as the published one has."""
    turns = g.node("Mul", [g.node("Unsqueeze", [hertz, g.constant(np.array([1]))]), g.constant(np.ones((1, 600)))])
    angles = g.node("Mul", [g.node("Reshape", [turns, g.constant(np.array([-1]))]), g.constant(2 * np.pi / 24_000)])
    wave = g.node("Sin", [g.node("CumSum", [angles, g.constant(0)])])
    noise = g.node("Mul", [g.node("RandomNormalLike", [wave]), g.constant(0.003)])
    level = g.node("Add", [g.node("ReduceMean", [style], keepdims=0), g.constant(0.3)])
    return g.node("Add", [g.node("Mul", [wave, level]), noise], "audio")
