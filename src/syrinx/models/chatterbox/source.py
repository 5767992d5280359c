"""The excitation of the vocoder: harmonics of the pitch, and noise, without a break over a whole utterance.

The library makes it anew for each call, with phases that start at zero, and takes a piece of an old one to hide the
break (``cache_source``). Here it is made once for every frame: the same sum of sines (``SineGen`` in chatterbox-tts'
``hifigan.py``, after CosyVoice, Apache-2.0) with phases and random numbers that go on.
"""

from __future__ import annotations

import math
from typing import Any

FRAME = 480
"""Samples of a mel frame: 20 ms at 24 kHz."""


class Source:
    """Of one utterance. ``module`` is the vocoder's ``m_source``."""

    def __init__(self, module: Any, generator: Any, device: Any) -> None:
        import torch

        self._module = module
        self._sines = module.l_sin_gen
        self._generator = generator
        self._device = device
        harmonics = self._sines.harmonic_num + 1
        self._numbers = torch.arange(1, harmonics + 1, device=device, dtype=torch.float64)
        offsets = torch.rand(harmonics, generator=generator) * 2 * math.pi - math.pi
        offsets[0] = 0.0
        self._offsets = offsets.to(device)
        self._turns = torch.zeros(harmonics, device=device, dtype=torch.float64)

    def more(self, f0: Any) -> Any:
        """Go on by frames of pitch, float32 (n,) in Hz; give float32 (1, 1, n * FRAME)."""
        import torch

        sines = self._sines
        pitch = f0.repeat_interleave(FRAME)[:, None]
        steps = pitch.double() * self._numbers / sines.sampling_rate
        turns = self._turns + steps.cumsum(0)
        if len(turns):
            self._turns = turns[-1] % 1
        voiced = (pitch > sines.voiced_threshold).float()
        waves = sines.sine_amp * torch.sin((2 * math.pi * (turns % 1)).float() + self._offsets) * voiced
        noise = torch.randn(len(pitch), len(self._numbers), generator=self._generator).to(self._device)
        waves = waves + noise * (voiced * sines.noise_std + (1 - voiced) * sines.sine_amp / 3)
        return self._module.l_tanh(self._module.l_linear(waves)).T[None]
