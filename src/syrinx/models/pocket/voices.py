"""The voices of one loaded model, named and cloned, as it computes with them; the last used are kept in memory."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import torch

from syrinx.core.errors import InvalidRequest, ModelNotReady
from syrinx.core.types import VoicePrompt
from syrinx.models.prompt import PromptCache

from .attention import Tensor
from .loading import Loaded
from .mirror import REMEDY
from .network import Network
from .voice import VoiceFile, bad, from_tensors

MOST_VOICES = 32
"""Kept in memory; one of 30 s is some 20 MB in models of 110 million parameters."""
MOST_PROMPT_BYTES = 128_000_000


class Voices:
    """Looks voices up, by name or by a job's prompt."""

    def __init__(self, network: Network, loaded: Loaded, further: str) -> None:
        """``further``: the option ``voices``. Raises ``ModelNotReady`` where there is no voice at all."""
        self._network = network
        self._revision = loaded.revision
        own = Path(further).absolute() if further else None
        found = loaded.mirror.voices(loaded.config.name, further)
        if not found:
            raise ModelNotReady(
                f"There are no voices for {loaded.config.name} in {loaded.mirror.folder}: {REMEDY}, or put files of "
                "pocket-tts export-voice into its folder embeddings"
            )
        self._files = {name: VoiceFile(path, trusted=path.parent != own) for name, path in found.items()}
        self._prompts = PromptCache(most_bytes=MOST_PROMPT_BYTES)
        self._kept: OrderedDict[str, Tensor] = OrderedDict()

    @property
    def names(self) -> list[str]:
        return list(self._files)

    def named(self, name: str) -> Tensor:
        """Keys and values, on the device. Raises ``ModelNotReady`` naming the file that is no voice of this model."""
        if name not in self._kept:
            file = self._files[name]
            try:
                with torch.inference_mode():
                    self._kept[name] = file.read(self._network)
            except InvalidRequest as error:
                raise ModelNotReady(f"The voice {name} ({file.path}): {error.message}") from None
        return self._used(name)

    def cloned(self, prompt: VoicePrompt) -> Tensor:
        """Likewise of a cloned voice. Raises ``VoiceNotFound``, and ``InvalidRequest`` (``bad_prompt``)."""
        read = self._prompts.load(prompt, "pocket")
        if read.revision != self._revision:
            raise bad("it was made by another configuration or checkpoint; the voice is to be made anew")
        key = f"sha256:{prompt.digest}"
        if key not in self._kept:
            self._kept[key] = from_tensors(read.tensors, self._network.language_shape).to(self._network.device)
        return self._used(key)

    def _used(self, key: str) -> Tensor:
        self._kept.move_to_end(key)
        while len(self._kept) > MOST_VOICES:
            self._kept.popitem(last=False)
        return self._kept[key]
