"""The parts of a loaded model, each as one operation on one utterance. Shapes are ``[batch 1, time, size]``.

What they do together follows ``generation_vibevoice.py`` of transformers (Apache-2.0).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .frames import Frames
from .kinds import Device, Dtype, Generator, Tensor
from .runtime import Loaded


class Network:
    """One checkpoint on one device. Whoever calls it is in ``torch.inference_mode``."""

    def __init__(self, loaded: Loaded) -> None:
        model = loaded.model
        config = model.config
        self._parts: Any = model.model
        self.device: Device = model.device
        self.dtype: Dtype = model.dtype
        self.latent_size: int = config.audio_config.hidden_size
        self.hop: int = config.audio_config.hop_length
        self.audio_token: int = config.audio_token_id
        self.audio_begins: int = config.audio_bos_token_id
        self.ends = _ends(model)
        ids = sorted({self.audio_begins, config.audio_eos_token_id, self.audio_token, config.eos_token_id})
        self._choices = ids
        self._choice_rows: Tensor = model.lm_head.weight[torch.tensor(ids, device=self.device)]
        self._vae_std: float = config.audio_config.vae_std
        self.frames = Frames(
            self._parts.diffusion_head,
            model._build_default_noise_scheduler(model.generation_config),
            self._parts.audio_tower.decoder,
            self._parts.latent_scaling_factor,
            self._parts.latent_bias_factor,
            self.latent_size,
        )

    # --- the language model

    def cache(self) -> Any:
        """An empty key-value cache."""
        from transformers import DynamicCache

        return DynamicCache(config=self._parts.language_model.config)

    def read(self, embeds: Tensor, cache: Any) -> Tensor:
        """Read on: the hidden state ``[1, hidden]`` after the last of ``embeds``; ``cache`` grows by them."""
        out = self._parts.language_model(inputs_embeds=embeds, past_key_values=cache, use_cache=True)
        return out.last_hidden_state[:, -1]

    def choose(self, hidden: Tensor) -> int:
        """The likeliest of the few tokens that may follow: the library takes no other, and draws none."""
        scores = torch.nn.functional.linear(hidden, self._choice_rows).float()
        return self._choices[int(scores.argmax())]

    def embed_token(self, token: int) -> Tensor:
        return self.embed_tokens(torch.tensor([[token]]))

    def embed_tokens(self, ids: Tensor) -> Tensor:
        """``ids`` ``[1, time]`` to ``[1, time, hidden]``."""
        return self._parts.language_model.embed_tokens(ids.to(self.device))

    def embed_prompt(self, ids: Tensor, voice: Tensor | None) -> Tensor:
        """``ids`` ``[1, time]``, with an audio token for each frame of ``voice`` (scaled, ``[1, frames, size]``)."""
        embeds = self.embed_tokens(ids)
        if voice is None:
            return embeds
        places = (ids == self.audio_token).to(self.device)
        heard = self._parts.multi_modal_projector(voice.to(self.device, self.dtype))
        return embeds.masked_scatter(places[..., None].expand_as(embeds), heard)

    def listen(self, latent: Tensor, audio: Tensor, cache: Any) -> tuple[Tensor, Any]:
        """What the language model reads of its own frame ``[1, 1, hidden]``, and the convolutions' state after it."""
        heard = self._parts.semantic_tokenizer_encoder(audio, padding_cache=cache, use_cache=True)
        meaning = self._parts.semantic_connector(heard.latents)
        return self._parts.multi_modal_projector(latent) + meaning, heard.padding_cache

    # --- cloning

    def encode(self, samples: Tensor) -> NDArray[np.float32]:
        """Latents ``[frames, size]`` (means, unscaled) of ``samples`` ``[1, 1, n]``, n a multiple of the hop."""
        out = self._parts.audio_tower.encode(samples.to(self.device, self.dtype), sample=False)
        return out.latents[0].float().cpu().numpy()

    def imagine(self, means: NDArray[np.float32], chance: Generator) -> Tensor:
        """Draw a reference clip's scaled latents ``[1, frames, size]`` from their means, as the library does.

        Its noise lies in memory as its latents do, values before frames, on which the numbers that are drawn depend.
        """
        latents = torch.from_numpy(means)[None]
        spread = self._vae_std * torch.randn(1, generator=chance)
        noise = torch.empty(1, means.shape[1], len(means)).transpose(1, 2).normal_(generator=chance)
        drawn = latents + spread[:, None, None] * noise
        scaled = drawn.to(self.device, self.dtype) + self._parts.latent_bias_factor
        return scaled * self._parts.latent_scaling_factor


def _ends(model: Any) -> frozenset[int]:
    """Tokens that end an utterance: the generation configuration's, or the model's."""
    said = model.generation_config.eos_token_id
    listed = [said] if isinstance(said, int) else list(said or ())
    return frozenset(listed or [model.config.eos_token_id])
