"""S3Gen, from speech tokens to samples, window by window, so that one runs into the next.

- **Flow** (tokens to mel frames) sees the voice's recording, the context and the look-ahead each time. Its noise
  belongs to the place in the utterance, not to the call, so a frame that is decoded twice starts from the same noise.
- **Vocoder** (mel frames to samples) gets the frames before as they were used, and one unbroken ``Source``.
- **Seam**: a window's last ``HELD`` frames are held back; the next window says them too, and the two are faded into
  each other. Eight frames, 160 ms, are what CosyVoice2 (Apache-2.0) holds back, whose networks these are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from syrinx.core.types import Samples

from .conditionals import MELS, Voice
from .flow import Flow
from .source import FRAME, Source
from .windows import Window

SAMPLE_RATE = 24_000
TOKEN_FRAMES = 2
HELD = 8
"""Frames at the end of a window that the next one says again."""
BEFORE = 24
"""Frames that the vocoder sees before: more than its kernels reach (about 17)."""


class Sound:
    """Of one utterance."""

    def __init__(self, s3gen: Any, flow: Flow, voice: Voice, flow_steps: int, seeds: Sequence[Any]) -> None:
        """``seeds`` are two ``torch.Generator`` on the CPU: of the flow's noise, and of the vocoder's."""
        import torch

        self._s3gen = s3gen
        self._flow = flow
        self._voice = voice
        self._device = s3gen.device
        self._steps = flow_steps or (2 if s3gen.meanflow else 10)
        self._generator = seeds[0]
        self._noise: Any = torch.empty(0, MELS)
        self._prompt_noise = torch.randn(voice.prompt_feat.shape[1], MELS, generator=seeds[0])
        self._source = Source(s3gen.mel2wav.m_source, seeds[1], self._device)
        self._frames: Any = torch.empty(1, MELS, 0, device=self._device)
        self._excitation: Any = torch.empty(1, 1, 0, device=self._device)
        self._tail = np.empty(0, np.float32)

    def make(self, tokens: Sequence[int], window: Window) -> Samples:
        """Say a window of all tokens so far; float32 (n,), the held frames left out and those of the last one added."""
        import torch

        with torch.inference_mode():
            again = len(self._tail) // FRAME
            frames = self._mel(tokens, window)
            new = frames[:, :, TOKEN_FRAMES * (window.new - window.start) - again :]
            samples = self._vocoded(new, again)
        if window.new == 0:
            samples[: len(self._s3gen.trim_fade)] *= self._s3gen.trim_fade.cpu().numpy()
        samples = self._joined(samples)
        held = 0 if window.last else HELD * FRAME
        self._tail = samples[len(samples) - held :].copy()
        return samples[: len(samples) - held]

    def _mel(self, tokens: Sequence[int], window: Window) -> Any:
        """Decode the frames of the window, context first: float32 (1, MELS, 2 * tokens)."""
        import torch

        given = torch.tensor([tokens[window.start : window.end + window.ahead]], device=self._device)
        mel = self._flow.mels(given, self._voice, self._noise_for(window), self._steps)
        return mel[:, : TOKEN_FRAMES * (window.end - window.start)].transpose(1, 2)

    def _noise_for(self, window: Window) -> Any:
        """Give the noise of prompt and window: float32 (1, frames, MELS)."""
        import torch

        start, end = TOKEN_FRAMES * window.start, TOKEN_FRAMES * (window.end + window.ahead)
        missing = end - len(self._noise)
        if missing > 0:
            self._noise = torch.cat([self._noise, torch.randn(missing, MELS, generator=self._generator)])
        return torch.cat([self._prompt_noise, self._noise[start:end]])[None].to(self._device)

    def _vocoded(self, new: Any, again: int) -> Samples:
        """Say new frames, ``again`` of which have been said; the frames before them are remembered."""
        import torch

        vocoder = self._s3gen.mel2wav
        before = self._frames.shape[2]
        frames = torch.cat([self._frames, new], dim=2)
        pitch = vocoder.f0_predictor(frames)[0, before + again :]
        excitation = torch.cat([self._excitation, self._source.more(pitch)], dim=2)
        samples = vocoder.decode(x=frames, s=excitation)[0, before * FRAME :].float().cpu().numpy()
        settled = max(0, frames.shape[2] - HELD)
        first = max(0, settled - BEFORE)
        self._frames = frames[:, :, first:settled]
        self._excitation = excitation[:, :, first * FRAME :]
        return samples

    def _joined(self, samples: Samples) -> Samples:
        """Fade the held end of the last window into the same frames of this one."""
        held = len(self._tail)
        if held:
            rise = (0.5 - 0.5 * np.cos(math.pi * (np.arange(held) + 0.5) / held)).astype(np.float32)
            samples[:held] = samples[:held] * rise + self._tail * (1 - rise)
        return samples
