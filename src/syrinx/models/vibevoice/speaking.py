"""One utterance as it is made: the prompt is read in the first step, then every step gives a frame.

The order of work follows ``_sample`` in ``generation_vibevoice.py`` of transformers (Apache-2.0), but a frame is handed
out before the model listens to it, so that it does not wait for what only the next one needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from syrinx.core.types import Samples

from .frames import samples_of
from .kinds import Generator, Tensor
from .network import Network

MOST_SIGNS = 8
"""Tokens in a row that are no frames: an end of audio and the next beginning are two."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How one utterance is spoken."""

    steps: int
    guidance: float
    most_frames: int


class Speaking:
    """Owns the caches of one utterance: drop it and they are freed."""

    def __init__(self, network: Network, ids: Tensor, voice: Tensor | None, manner: Manner, chance: Generator) -> None:
        """``ids``: int64 ``[1, time]``; ``voice``: see ``Network.embed_prompt``."""
        self._network = network
        self._ids = ids
        self._voice = voice
        self._manner = manner
        self._chance = chance
        self._cache = network.cache()
        self._against = network.cache()
        """What the model says to no text at all, for guidance: it reads its own frames only."""
        self._read: Tensor | None = None
        """``[1, 1, hidden]``: what was read last."""
        self._hidden: Tensor | None = None
        """``[1, hidden]``: what it makes the model say; None: not known yet."""
        self._frame: tuple[Tensor, Tensor] | None = None
        """Latent and sound of the last frame, not listened to yet."""
        self._decoder: Any = None
        self._listener: Any = None
        self._frames = 0

    def step(self) -> tuple[Samples | None, bool]:
        """Return a frame's samples, if the step made any, and whether all is said."""
        with torch.inference_mode():
            if self._read is not None:
                return self._go_on()
            self._listen()
            return None, False

    def _listen(self) -> None:
        """Read the prompt."""
        self._read = self._network.embed_token(self._network.audio_begins)
        self._hidden = self._network.read(self._network.embed_prompt(self._ids, self._voice), self._cache)

    def _go_on(self) -> tuple[Samples | None, bool]:
        for _ in range(MOST_SIGNS):
            token = self._network.choose(self._state())
            if token == self._network.audio_token:
                return self._speak(), self._frames >= self._manner.most_frames
            if token in self._network.ends:
                break
            if token == self._network.audio_begins:
                self._against = self._network.cache()
            self._hidden, self._read = None, self._network.embed_token(token)
        return None, True

    def _state(self) -> Tensor:
        """The hidden state after all there is to read."""
        if self._hidden is None:
            if self._frame is not None:
                self._read, self._listener = self._network.listen(*self._frame, self._listener)
                self._frame = None
            assert self._read is not None
            self._hidden = self._network.read(self._read, self._cache)
        return self._hidden

    def _speak(self) -> Samples:
        network, manner = self._network, self._manner
        assert self._hidden is not None and self._read is not None
        against = network.read(self._read, self._against) if manner.guidance != 1 else None
        latent = network.frames.diffuse(self._hidden, against, (manner.steps, manner.guidance), self._chance)
        audio, self._decoder = network.frames.decode(latent, self._decoder)
        self._frame, self._hidden = (latent, audio), None
        self._frames += 1
        return samples_of(audio)
