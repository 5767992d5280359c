"""Writes down what the makers' own code speaks on our random weights: ``upstream.json``, for ``test_parity``.

That code is in no package index, so this is run by hand, in the model's environment, as ``python -m
tests.neural.vibevoice_realtime.record`` with a path of ``src``, a folder of older libraries, and a checkout of
microsoft/VibeVoice. The older libraries are transformers 4.57.3, tokenizers 0.22.2, huggingface_hub 0.36.2, diffusers
0.36.0 and accelerate 1.12.0. Nothing of Syrinx makes any of these samples.
"""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .weights import SIGNS, VOICES, build, config_of, voice_of

RECORD = Path(__file__).with_name("upstream.json")
REVISION = "microsoft/VibeVoice e73d1e1"
TEXT = "The quick brown fox jumps over it."
VOICE = "en-Carter_man"
SEED = 7
EVERY = 400
"""One sample of so many is kept: eight a frame."""
DIGITS = 8


@dataclass(frozen=True, slots=True)
class Run:
    """One utterance."""

    steps: int
    guidance: float
    frames: int


RUNS = (Run(5, 1.5, 20), Run(2, 1.5, 50), Run(3, 3.0, 14), Run(5, 1.0, 14))
"""With 35 tokens of text: windows of text to its end, and beyond."""


class Words:
    """What upstream asks its tokenizer."""

    def __init__(self, tokenizer: Any) -> None:
        self.convert_tokens_to_ids = tokenizer.token_to_id
        self.bos_token_id = None
        self.eos_token_id = self.eos_id = self.pad_token_id = tokenizer.token_to_id(SIGNS[0])
        self.speech_start_id, self.speech_end_id, self.speech_diffusion_id, self.pad_id = map(
            tokenizer.token_to_id, SIGNS[1:]
        )


def spoken(model: Any, tokenizer: Any, voice: dict[str, Any], run: Run) -> list[float]:
    """The samples that are kept, of as many frames as were asked for."""
    import torch

    ids = torch.tensor([tokenizer.encode(TEXT + "\n").ids])
    words = Words(tokenizer)
    read = {name: torch.full((1, voice[name]["hidden"].shape[1]), words.pad_id) for name in ("lm", "tts_lm")}
    model.set_ddpm_inference_steps(run.steps)
    torch.manual_seed(SEED)
    made = model.generate(
        input_ids=read["lm"],
        attention_mask=torch.ones_like(read["lm"]),
        tts_lm_input_ids=read["tts_lm"],
        tts_lm_attention_mask=torch.ones_like(read["tts_lm"]),
        tts_text_ids=ids,
        max_new_tokens=ids.shape[1] + run.frames,  # it stops within a window, where text is left over
        cfg_scale=run.guidance,
        tokenizer=words,
        generation_config={"do_sample": False},
        all_prefilled_outputs={name: _prefilled(part) for name, part in voice.items()},
        verbose=False,
        show_progress_bar=False,
    )
    samples = made.speech_outputs[0].reshape(-1)[: run.frames * 3200].double()
    assert len(samples) == run.frames * 3200, "upstream spoke for as long as it was asked to"
    return [round(value, DIGITS) for value in samples[::EVERY].tolist()]


def _prefilled(part: dict[str, Any]) -> Any:
    from transformers.cache_utils import DynamicCache
    from transformers.modeling_outputs import BaseModelOutputWithPast

    cache = DynamicCache()
    for layer, (keys, values) in enumerate(zip(part["keys"], part["values"], strict=True)):
        cache.update(keys.float(), values.float(), layer)
    return BaseModelOutputWithPast(last_hidden_state=part["hidden"].float(), past_key_values=cache)


def main() -> int:
    """Record."""
    import torch
    from tokenizers import Tokenizer
    from vibevoice.modular.modeling_vibevoice_streaming_inference import (  # pyright: ignore[reportMissingImports]
        VibeVoiceStreamingForConditionalGenerationInference as Model,
    )

    voice = voice_of(config_of(False), VOICES.index(VOICE))
    with tempfile.TemporaryDirectory() as place:
        folder = build(Path(place))
        model: Any = Model.from_pretrained(folder, torch_dtype=torch.float32, attn_implementation="sdpa").eval()
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        runs = [{**asdict(run), "samples": spoken(model, tokenizer, voice, run)} for run in RUNS]
    told = {"from": REVISION, "text": TEXT, "voice": VOICE, "seed": SEED, "every": EVERY, "runs": runs}
    RECORD.write_text(json.dumps(told) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
