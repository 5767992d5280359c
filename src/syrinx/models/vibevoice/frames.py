"""Frames of sound: from what a language model says to a latent, and from latents to samples.

The order of work follows ``generation_vibevoice.py`` of transformers (Apache-2.0). Whoever calls is in
``torch.inference_mode``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from syrinx.core.errors import ModelFailed
from syrinx.core.types import Samples

from .kinds import Generator, Tensor


@dataclass(frozen=True, slots=True)
class Frames:
    """The parts of a loaded model that make frames."""

    head: Any
    """``VibeVoiceDiffusionHead`` of transformers."""
    scheduler: Any
    """``DPMSolverMultistepScheduler`` of diffusers."""
    decoder: Callable[..., Any]
    """From latents ``[1, size, time]`` to ``VibeVoiceAcousticTokenizerDecoderOutput``."""
    scale: Tensor
    bias: Tensor
    """Scalars: a scaled latent is ``(latent + bias) * scale``."""
    size: int
    """Of a latent."""

    def diffuse(self, hidden: Tensor, against: Tensor | None, manner: tuple[int, float], chance: Generator) -> Tensor:
        """A frame's scaled latent ``[1, 1, size]`` from noise, led by ``hidden`` and away from ``against``.

        ``manner``: how many steps, and the guidance scale. Noise is drawn for two rows as the library does, so that a
        seed gives here what it gives there; the second one never counts.
        """
        steps, scale = manner
        led = hidden if against is None else torch.cat([hidden, against])
        latent = torch.randn(2, self.size, generator=chance)[:1].to(led)
        self.scheduler.set_timesteps(num_inference_steps=steps)
        for time in self.scheduler.timesteps:
            rows = latent.expand(len(led), -1)
            said = self.head(rows, time.repeat(len(led)).to(rows), condition=led)
            if against is not None:
                said = said[1:] + scale * (said[:1] - said[1:])
            latent = self.scheduler.step(said, time, latent).prev_sample
        return latent[:, None]

    def decode(self, latent: Tensor, cache: Any) -> tuple[Tensor, Any]:
        """Sound of one frame ``[1, 1, hop]`` from its scaled latent, and the convolutions' state after it."""
        plain = latent / self.scale - self.bias
        out = self.decoder(plain.transpose(1, 2), padding_cache=cache, use_cache=True)
        return out.audio, out.padding_cache


def samples_of(audio: Tensor) -> Samples:
    """``[1, 1, n]`` to float32 ``[n]`` within -1 and 1. Raises ``ModelFailed`` for what is no sound."""
    samples: Samples = audio[0, 0].float().cpu().numpy()
    if not np.isfinite(samples).all():
        raise ModelFailed("VibeVoice made sound that is not a number: set dtype = float32 or bfloat16.")
    return np.ascontiguousarray(np.clip(samples, -1.0, 1.0), np.float32)
