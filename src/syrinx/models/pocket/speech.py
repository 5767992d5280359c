"""How far one job is, and when its speech ends. No torch: the backend computes, this decides."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from .text import Pass

FIRST_END = 6
"""Codec frames before which an end is not believed (``_MIN_FRAMES_BEFORE_EOS`` of pocket-tts 4.0.1)."""
TOKENS_PER_S, SPARE_S = 3.0, 2.0
"""Slowest speech: a pass may take ``tokens / 3 + 2`` seconds (``_estimate_max_gen_len`` of pocket-tts 4.0.1)."""
USUAL_TOKENS_PER_S = 3.5
"""Of read English: 150 words a minute, 1.4 tokens a word."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a job is spoken: the model's settings, or what the request asked for."""

    temperature: float
    """Variance of the noise."""
    noise_clamp: float | None
    eos_threshold: float
    frames_after_eos: int | None
    """None: as the pass says."""
    frame_rate: float
    """Codec frames per second."""


@dataclass(slots=True)
class Speech:
    """An open job."""

    passes: deque[Pass]
    """Still to be spoken; the first is being spoken."""
    manner: Manner
    voice: Any
    """Keys and values of its voice (``voice.VoiceFile.read``)."""
    generator: Any
    """``torch.Generator`` of its noise."""
    row: Any = None
    """``network.Row``; None: it did not step yet."""
    latent: Any = None
    """The codec frame predicted last; None: a pass begins."""
    ahead: bool = False
    """That frame was not turned into audio yet."""
    spoken: bool = False
    """It is to be."""
    frame: int = 0
    """Codec frames predicted in this pass."""
    ends_at: int | None = field(default=None)
    """The frame that is not spoken any more; None: the end was not heard yet."""

    @property
    def limit(self) -> int:
        """Most codec frames of the pass."""
        return math.ceil((len(self.passes[0].tokens) / TOKENS_PER_S + SPARE_S) * self.manner.frame_rate)

    def predicted(self, latent: Any, end_logit: float) -> None:
        """Take the next codec frame and its end logit."""
        self.latent, self.ahead = latent, True
        index, self.frame = self.frame, self.frame + 1
        if self.ends_at is None and index >= FIRST_END and end_logit > self.manner.eos_threshold:
            after = self.manner.frames_after_eos
            self.ends_at = index + (self.passes[0].frames_after_eos if after is None else after)
        self.spoken = self.ends_at is None or index < self.ends_at

    @property
    def pass_is_over(self) -> bool:
        """Whether no frame of this pass is left to be predicted."""
        return self.frame >= self.limit or (self.ends_at is not None and self.frame >= self.ends_at)

    def next_pass(self) -> bool:
        """Go on to the next pass; returns whether there is one."""
        self.passes.popleft()
        self.latent, self.frame, self.ends_at = None, 0, None
        return bool(self.passes)


def usual_s(passes: list[Pass]) -> float:
    """Seconds that passes usually take."""
    return sum(len(one.tokens) for one in passes) / USUAL_TOKENS_PER_S + 0.3 * len(passes)
