"""The parts of a loaded model, each as one operation on one utterance. Shapes are ``[batch 1, time, size]``.

The order of work is that of ``modeling_vibevoice_streaming_inference.py`` of microsoft/VibeVoice (MIT, e73d1e1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from syrinx.models.vibevoice.frames import Frames
from syrinx.models.vibevoice.kinds import Device, Dtype, Tensor

from .parts import Modules
from .voice import Voice

SPEECH, TEXT = 0, 1
"""Rows of ``tts_input_types``."""


class Network:
    """One checkpoint on one device. Whoever calls it is in ``torch.inference_mode``."""

    def __init__(self, modules: Modules, device: Device, dtype: Dtype) -> None:
        from diffusers import DPMSolverMultistepScheduler

        self._text: Any = modules["language_model"]
        self._speech: Any = modules["tts_language_model"]
        self._kinds: Tensor = modules["tts_input_types"].weight
        self._connector: Any = modules["connector"]
        self._ends: Any = modules["ends"]
        self.device = device
        self.dtype = dtype
        scheduler = DPMSolverMultistepScheduler(beta_schedule="squaredcos_cap_v2", prediction_type="v_prediction")
        decoder, factors = modules["decoder"], modules["factors"]
        size: int = decoder.config.hidden_size
        self.frames = Frames(modules["head"], scheduler, decoder, factors["scaling"], factors["bias"], size)

    def text_cache(self, voice: Voice) -> Any:
        """What the lower layers have read, once they know the voice."""
        return _cache(self._text.config, voice.text)

    def speech_cache(self, voice: Voice, *, against: bool = False) -> Any:
        """Likewise of the upper layers; ``against``: what they have read where they know nothing."""
        return _cache(self._speech.config, voice.against if against else voice.speech)

    def read(self, ids: Sequence[int], text: Any, speech: Any) -> Tensor:
        """Read on: the hidden state ``[1, hidden]`` after the last of these tokens; both caches grow by them."""
        embeds = self._text.embed_tokens(torch.tensor([ids], device=self.device))
        out = self._text(inputs_embeds=embeds, past_key_values=text, use_cache=True)
        return self._speak(out.last_hidden_state, TEXT, speech)

    def hear(self, latent: Tensor) -> Tensor:
        """What the upper layers read of a frame ``[1, 1, hidden]``."""
        return self._connector(latent)

    def go_on(self, heard: Tensor, speech: Any) -> Tensor:
        """The hidden state ``[1, hidden]`` after a frame; the cache grows by it."""
        return self._speak(heard, SPEECH, speech)

    def ended(self, hidden: Tensor) -> bool:
        """Whether the frame that led to this state was the last (upstream: a sigmoid above one half)."""
        return float(self._ends["fc2"](torch.relu(self._ends["fc1"](hidden)))) > 0

    def _speak(self, embeds: Tensor, kind: int, cache: Any) -> Tensor:
        marked = embeds + self._kinds[kind]
        out = self._speech(inputs_embeds=marked, past_key_values=cache, use_cache=True)
        return out.last_hidden_state[:, -1]


def _cache(config: Any, known: tuple[Tensor, Tensor]) -> Any:
    """A key-value cache that begins with ``known``: keys and values ``[layers, heads, time, size]``."""
    from transformers import DynamicCache

    cache = DynamicCache(config=config)
    for layer, (keys, values) in enumerate(zip(*known, strict=True)):
        cache.update(keys[None], values[None], layer)
    return cache
