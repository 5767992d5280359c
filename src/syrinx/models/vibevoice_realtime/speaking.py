"""One utterance as it is made: text and speech in turns, a frame every step.

The order of work follows ``generate`` in ``modeling_vibevoice_streaming_inference.py`` of microsoft/VibeVoice (MIT,
e73d1e1), but a frame is handed out before the model hears it, so that it does not wait for what only the next one
needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from syrinx.core.types import Samples
from syrinx.models.vibevoice.frames import samples_of
from syrinx.models.vibevoice.kinds import Generator, Tensor

from .network import Network
from .voice import Voice

TEXT_WINDOW, SPEECH_WINDOW = 5, 6
"""Tokens that are read, then frames that are spoken (``TTS_TEXT_WINDOW_SIZE``, ``TTS_SPEECH_WINDOW_SIZE``)."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How one utterance is spoken."""

    steps: int
    guidance: float
    most_frames: int


class Speaking:
    """Owns the caches of one utterance: drop it and they are freed."""

    def __init__(self, network: Network, ids: Sequence[int], voice: Voice, manner: Manner, chance: Generator) -> None:
        """``ids``: the tokens of the text, at least one."""
        self._network = network
        self._unread = tuple(ids)
        self._manner = manner
        self._chance = chance
        self._text = network.text_cache(voice)
        self._speech = network.speech_cache(voice)
        self._silent = network.speech_cache(voice, against=True)
        """What the model has read where it knows neither text nor voice, for guidance: its own frames only."""
        self._hidden: Tensor | None = None
        self._against = voice.against_hidden
        self._latent: Tensor | None = None
        """Of the last frame, which the model has not heard yet."""
        self._decoder: Any = None
        self._frames = 0

    def step(self) -> tuple[Samples | None, bool]:
        """Return a frame's samples, if there is one more, and whether all is said."""
        with torch.inference_mode():
            if self._latent is not None and self._hear(self._latent):
                return None, True
            if self._frames % SPEECH_WINDOW == 0 and self._unread:
                window, self._unread = self._unread[:TEXT_WINDOW], self._unread[TEXT_WINDOW:]
                self._hidden = self._network.read(window, self._text, self._speech)
            return self._speak(), self._frames >= self._manner.most_frames

    def _hear(self, latent: Tensor) -> bool:
        """Go on after the last frame; whether it was the last."""
        network = self._network
        heard = network.hear(latent)
        self._hidden = network.go_on(heard, self._speech)
        if network.ended(self._hidden):
            return True
        if self._guided:
            self._against = network.go_on(heard, self._silent)
        return False

    def _speak(self) -> Samples:
        frames, manner = self._network.frames, self._manner
        assert self._hidden is not None, "text is read first"
        against = self._against if self._guided else None
        self._latent = frames.diffuse(self._hidden, against, (manner.steps, manner.guidance), self._chance)
        audio, self._decoder = frames.decode(self._latent, self._decoder)
        self._frames += 1
        return samples_of(audio)

    @property
    def _guided(self) -> bool:
        return self._manner.guidance != 1
