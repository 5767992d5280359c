"""Orpheus on one stream: Syrinx's audio-seconds per second over those of a bare loop over the same libraries.

Runs in the model's environment, on random weights of the real architecture::

    PYTHONPATH=src ENVIRONMENT/bin/python -m bench.models.orpheus [--size small] [--frames 24] [--rounds 5]

``small`` (120 million parameters) and ``medium`` (0.4 billion) are for a CPU, ``full`` (3.3 billion, bfloat16) for a
GPU. The bare loop is what scripts do: transformers with its own cache, the same slot mask and greedy draws, and the
codec as its library has it, decoding the same windows. Both make the same number of frames, in turns. The exit
status is 3 where a figure is missed.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.figure import MISSED, Figure, table
from bench.models.steps import cancels
from syrinx.core.types import Samples, SynthesisJob
from syrinx.models.options import parse_options
from syrinx.models.orpheus.codec import Codec
from syrinx.models.orpheus.frames import CODES, SAMPLE_RATE, SAMPLES_PER_FRAME, SLOTS, Framer, levels_of
from syrinx.models.orpheus.ids import TokenIds
from syrinx.models.orpheus.options import OrpheusOptions
from syrinx.models.orpheus.speech import Piece
from syrinx.models.orpheus.windows import Planner, WindowPolicy
from syrinx.models.registry import create
from tests.neural.orpheus.weights import TINY_IDS, build

SIZES: Mapping[str, dict[str, int] | None] = {
    "tiny": None,
    "small": {"hidden_size": 768, "intermediate_size": 2048, "num_hidden_layers": 12, "num_attention_heads": 12},
    "medium": {"hidden_size": 1152, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 18},
    "full": None,
}
REACH = 0.97
"""Of the bare loop's speed."""
TEXT = "The quick brown fox jumps over the lazy dog, and then it sleeps for a long while in the sun."


@dataclass(frozen=True, slots=True)
class Run:
    """One answer."""

    audio_s: float
    wall_s: float
    first_s: float
    """To the first audio."""
    codec_s: float = 0.0
    """Of that in the codec."""

    @property
    def speed(self) -> float:
        """Audio-seconds per second."""
        return self.audio_s / self.wall_s


@dataclass(frozen=True, slots=True)
class Weights:
    """What both are loaded from."""

    folder: Path
    options: dict[str, Any]
    device: str
    dtype: str

    @classmethod
    def of(cls, size: str, folder: Path, device: str) -> Weights:
        full = size == "full"
        build(folder, full=full, llama=SIZES[size])
        return cls(folder, {} if full else TINY_IDS, device, "bfloat16" if full else "float32")

    @property
    def ids(self) -> TokenIds:
        return parse_options("orpheus", OrpheusOptions, self.options).ids


class Ours:
    """The backend, stepped as a worker steps it."""

    def __init__(self, weights: Weights, frames: int) -> None:
        drawn = {"temperature": 0.0, "repetition_penalty": 1.0, "dtype": weights.dtype, "device": weights.device}
        self.backend = create("orpheus", {**weights.options, **drawn, "weights": str(weights.folder)})
        self.backend.load()
        self._codec_s = 0.0
        self._time_codec()
        self._steps = self.backend.stepped()
        self._job = SynthesisJob("job", TEXT, "tara", "en", options={"max_tokens": frames * SLOTS})

    def _time_codec(self) -> None:
        decode = Codec.decode

        def timed(codec: Codec, pieces: Sequence[Piece]) -> list[Samples]:
            began = time.perf_counter()
            try:
                return decode(codec, pieces)
            finally:
                self._codec_s += time.perf_counter() - began

        Codec.decode = timed  # pyright: ignore[reportAttributeAccessIssue]

    def run(self) -> Run:
        """Speak to the end."""
        self._codec_s = 0.0
        samples, first_s, done, began = 0, 0.0, False, time.perf_counter()
        self._steps.open(self._job)
        while not done:
            (result,) = self._steps.step(["job"])
            if result.error is not None:
                raise result.error
            if result.chunk is not None:
                first_s = first_s or time.perf_counter() - began
                samples += len(result.chunk.samples)
            done = result.done
        self._steps.close("job")
        return Run(samples / SAMPLE_RATE, time.perf_counter() - began, first_s, self._codec_s)

    def cancels(self) -> Figure:
        """Cancel in the midst of answers."""
        return cancels("Orpheus", self._steps, self._job)


class Bare:
    """The libraries in a loop."""

    def __init__(self, weights: Weights, frames: int) -> None:
        import torch
        from snac import SNAC
        from transformers import LlamaForCausalLM

        self._torch: Any = torch
        self._device, self._count, self._ids = weights.device, frames * SLOTS, weights.ids
        dtype = getattr(torch, weights.dtype)
        self._llama: Any = LlamaForCausalLM.from_pretrained(str(weights.folder), dtype=dtype).to(weights.device).eval()
        self._codec: Any = SNAC.from_pretrained(str(weights.folder / "snac_24khz")).to(weights.device).eval()
        ids, said = self._ids, f"tara: {TEXT}".encode()
        closing = (ids.end_turn, ids.end_human, ids.start_ai, ids.start_speech)
        self._prompt = [ids.start_human, ids.begin_text, *said, *closing]

    def run(self) -> Run:
        """Speak as many frames."""
        framer, planner = Framer(self._ids.audio_base), Planner(WindowPolicy())
        frames: list[tuple[int, ...]] = []
        samples, first_s, began = 0, 0.0, time.perf_counter()
        for count, token in enumerate(self._tokens(), 1):
            frames += framer.feed([token])
            while (window := planner.due(len(frames), count == self._count)) is not None:
                start = (window.start - window.lo) * SAMPLES_PER_FRAME
                sound = self._sound(frames[window.lo : window.hi])
                samples += len(sound[start : start + (window.end - window.start) * SAMPLES_PER_FRAME])
                first_s = first_s or time.perf_counter() - began
        return Run(samples / SAMPLE_RATE, time.perf_counter() - began, first_s)

    def _sound(self, frames: Sequence[tuple[int, ...]]) -> Any:
        codes = [self._torch.from_numpy(level)[None].to(self._device) for level in levels_of(frames)]
        with self._torch.inference_mode():
            return self._codec.decode(codes)[0, 0].float().cpu().numpy()

    def _tokens(self) -> Iterator[int]:
        torch = self._torch
        cache, head, base = None, self._llama.lm_head.weight, self._ids.audio_base
        read = torch.tensor([self._prompt], device=self._device)
        for place in range(self._count):
            with torch.inference_mode():
                told = self._llama.model(input_ids=read, past_key_values=cache, use_cache=True)
                cache, low = told.past_key_values, base + CODES * (place % SLOTS)
                token = low + int((told.last_hidden_state[0, -1] @ head[low : low + CODES].T).argmax())
            read = torch.tensor([[token]], device=self._device)
            yield token


def figures(mine: Sequence[Run], theirs: Sequence[Run]) -> list[Figure]:
    """Of the best of some rounds: what else the machine does only ever slows them."""
    speeds = max(run.speed for run in mine), max(run.speed for run in theirs)
    firsts = min(run.first_s for run in mine), min(run.first_s for run in theirs)
    ratio = speeds[0] / speeds[1]
    return [
        Figure(
            "one stream, audio-s/s",
            f">= {REACH}x of the bare loop",
            f"{speeds[0]:.3f}: {ratio:.3f}x",
            f"{speeds[1]:.3f}",
            ratio >= REACH,
        ),
        Figure(
            "first audio",
            f"<= {1 / REACH:.2f}x of the bare loop",
            f"{firsts[0] * 1000:.0f} ms",
            f"{firsts[1] * 1000:.0f} ms",
            firsts[0] <= firsts[1] / REACH,
        ),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--frames", type=int, default=24, help="codec frames (85 ms) of an answer; fewer than it has")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        weights = Weights.of(given.size, Path(place) / "orpheus", given.device)
        ours, theirs = Ours(weights, given.frames), Bare(weights, given.frames)
        ours.run()  # what is filled or chosen at the first call
        theirs.run()
        pairs = [(ours.run(), theirs.run()) for _ in range(given.rounds)]
        canceled = ours.cancels()
        ours.backend.unload()
    assert len({run.audio_s for pair in pairs for run in pair}) == 1, "both make as many frames"
    rows = [*figures([mine for mine, _ in pairs], [other for _, other in pairs]), canceled]
    best = max((mine for mine, _ in pairs), key=lambda run: run.speed)
    print(f"Orpheus, {given.size}, {given.frames} frames, {given.device}")
    print(table(rows))
    share, pace = best.codec_s / best.wall_s, best.codec_s / best.audio_s
    print(f"The codec: {share:.0%} of the time, {pace:.3f} s a second of audio.")
    return 0 if all(row.ok for row in rows) else MISSED


if __name__ == "__main__":
    raise SystemExit(main())
