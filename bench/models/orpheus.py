"""Orpheus on one stream: Syrinx's audio-seconds per second over those of the bare loop of the libraries.

Runs in the model's environment: ``PYTHONPATH=src python -m bench.models.orpheus``. The Llama is small, not tiny (120
million parameters), for 3 billion do not run on a CPU; the codec has its full size. The bare loop is what scripts do:
transformers with its own cache, the same slot mask and greedy draws, the codec decoding the same windows.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from syrinx.core.types import SynthesisJob
from syrinx.models.orpheus.frames import CODES, SAMPLE_RATE, SAMPLES_PER_FRAME, SLOTS, Framer, levels_of
from syrinx.models.orpheus.windows import Planner, WindowPolicy
from syrinx.models.registry import create
from tests.neural.orpheus.weights import TINY_IDS, build

SMALL = {"hidden_size": 768, "intermediate_size": 2048, "num_hidden_layers": 12, "num_attention_heads": 12}
FRAMES = 24
"""Fewer than this text has, so that both make as many."""
ROUNDS = 5
WANTED = 0.97
TEXT = "The quick brown fox jumps over the lazy dog, and then it sleeps for a long while in the sun."


def main() -> None:
    """Print both and their ratio, of the best of some rounds, taken in turns."""
    with tempfile.TemporaryDirectory() as place:
        folder = build(Path(place) / "orpheus", llama=SMALL)
        ours, theirs = Ours(folder), Bare(folder)
        pairs = [(ours.run(), theirs.run()) for _ in range(ROUNDS)]
        ours.backend.unload()
    one, other = (max(each) for each in zip(*pairs, strict=True))
    print(f"Syrinx {one:.3f}, bare loop {other:.3f} audio-seconds per second: {one / other:.3f} (wanted {WANTED})")


class Ours:
    def __init__(self, folder: Path) -> None:
        self.backend = create("orpheus", {**TINY_IDS, "weights": str(folder), "device": "cpu", "temperature": 0.0})
        self.backend.load()

    def run(self) -> float:
        """Audio-seconds per second."""
        steps, samples, began = self.backend.stepped(), 0, time.perf_counter()
        steps.open(SynthesisJob("job", TEXT, "tara", "en", options={"max_tokens": FRAMES * SLOTS}))
        done = False
        while not done:
            (result,) = steps.step(["job"])
            samples += 0 if result.chunk is None else len(result.chunk.samples)
            done = result.done
        steps.close("job")
        return samples / SAMPLE_RATE / (time.perf_counter() - began)


class Bare:
    def __init__(self, folder: Path) -> None:
        import torch
        from snac import SNAC
        from transformers import LlamaForCausalLM

        self._torch: Any = torch
        self._llama: Any = LlamaForCausalLM.from_pretrained(str(folder), dtype=torch.float32).eval()
        self._codec: Any = SNAC.from_pretrained(str(folder / "snac_24khz"))
        said = f"tara: {TEXT}".encode()
        self._prompt = [TINY_IDS["start_human_id"], TINY_IDS["begin_text_id"], *said, TINY_IDS["start_speech_id"]]

    def run(self) -> float:
        """Audio-seconds per second."""
        began, framer, planner = time.perf_counter(), Framer(TINY_IDS["audio_base_id"]), Planner(WindowPolicy())
        frames: list[tuple[int, ...]] = []
        samples = 0
        for count, token in enumerate(self._tokens(FRAMES * SLOTS)):
            frames += framer.feed([token])
            while (window := planner.due(len(frames), count == FRAMES * SLOTS - 1)) is not None:
                codes = [self._torch.from_numpy(level)[None] for level in levels_of(frames[window.lo : window.hi])]
                with self._torch.inference_mode():
                    sound = self._codec.decode(codes)[0, 0].numpy()
                start = (window.start - window.lo) * SAMPLES_PER_FRAME
                samples += len(sound[start : start + (window.end - window.start) * SAMPLES_PER_FRAME])
        return samples / SAMPLE_RATE / (time.perf_counter() - began)

    def _tokens(self, count: int) -> Any:
        torch = self._torch
        cache, head, base = None, self._llama.lm_head.weight, TINY_IDS["audio_base_id"]
        read = torch.tensor([self._prompt])
        for place in range(count):
            with torch.inference_mode():
                told = self._llama.model(input_ids=read, past_key_values=cache, use_cache=True)
                cache, low = told.past_key_values, base + CODES * (place % SLOTS)
                token = low + int((told.last_hidden_state[0, -1] @ head[low : low + CODES].T).argmax())
            read = torch.tensor([[token]])
            yield token


if __name__ == "__main__":
    main()
