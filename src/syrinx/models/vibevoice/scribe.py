"""From a line of text to the tokens that the model reads, by the checkpoint's own template and tokenizer."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from syrinx.core.types import Samples

from . import script
from .kinds import Tensor
from .runtime import Loaded

SPEAKER = "0"


class Scribe:
    """Writes prompts, and brings recordings into the form the model listens to."""

    def __init__(self, loaded: Loaded) -> None:
        self._processor: Any = loaded.processor
        self._special = tuple(loaded.processor.tokenizer.get_added_vocab())

    def line(self, text: str) -> str:
        """The text as it is read."""
        return script.clean(text, self._special)

    def ids(self, line: str, voice_frames: int) -> Tensor:
        """int64 ``[1, time]``; with a voice there is an audio token for each of its frames."""
        content: list[dict[str, Any]] = [{"type": "text", "text": line}]
        if voice_frames:
            content.append({"type": "audio", "audio": ""})
        written: str = self._processor.apply_chat_template([{"role": SPEAKER, "content": content}], tokenize=False)
        token: str = self._processor.audio_token
        written = written.replace(token, token * voice_frames)
        return torch.tensor([self._processor.tokenizer(written, add_special_tokens=False)["input_ids"]])

    def recording(self, samples: Samples, sample_rate: int) -> Tensor:
        """float32 ``[1, 1, n]``: resampled, at the level that the model expects, whole frames."""
        hears: int = self._processor.feature_extractor.sampling_rate
        said: Any = self._processor.feature_extractor(_resampled(samples, sample_rate, hears), sampling_rate=hears)
        return said["input_values"]


def _resampled(samples: Samples, rate: int, wanted: int) -> Samples:
    if rate == wanted:
        return samples
    import soxr

    return np.asarray(soxr.resample(samples, rate, wanted, quality="HQ"), np.float32)
