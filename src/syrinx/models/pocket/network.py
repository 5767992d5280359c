"""The model's networks over rows: text and latents in, the next latents out; latents in, audio out.

Follows the order of calculation of ``TTSModel`` and ``FlowLMModel`` of pocket-tts 4.0.1, with its modules; ours is only
that rows may stand anywhere, and that each row's noise comes from its own generator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch

from .attention import Packed, Packer, RowCache, Tensor, adopt

FADE_S = 0.005
"""A fresh decoder begins with a click, so the library fades in its first 5 ms; so do we."""
FEW_FRAMES = 64
"""Room for codec frames that a row has from the start."""


class Row:
    """State of one job in the networks."""

    def __init__(self, voice: Tensor, network: Network) -> None:
        """``voice``: keys and values of the voice prompt, ``[layers, 2, length, heads, dim]``."""
        self.voice_length: int = voice.shape[2]
        self.prefix = RowCache(network.language_shape, voice, self.voice_length + 2 * FEW_FRAMES)
        self.prefix.fill(voice)
        self.codec = RowCache(network.codec_shape, network.zero)
        self.convolutions = network.fresh_convolutions()
        self._network = network

    def restart(self) -> None:
        """Begin another pass: only the voice is left."""
        self.prefix.rewind(self.voice_length)
        self.codec.rewind(0)
        self.convolutions = self._network.fresh_convolutions()


class Network:
    """Computes for rows. Call it in inference mode."""

    def __init__(self, model: Any, dtype: Any) -> None:
        """``model``: a loaded ``TTSModel``, which is changed; ``dtype``: of the language model's transformer."""
        self._model = model
        self._lm = model.flow_lm
        self._mimi = model.mimi
        self.device = model.device
        self.language_shape = adopt(self._lm.transformer)
        self.codec_shape = adopt(self._mimi.decoder_transformer.transformer)
        self._dtype = dtype
        if dtype is not torch.float32:
            self._lm.transformer.to(dtype)
        self.zero: Tensor = torch.zeros(1, device=self.device)
        self._language = Packer(self.language_shape, self.device)
        self._codec = Packer(self.codec_shape, self.device)
        self._codec_tokens = int(self._mimi.encoder_frame_rate / self._mimi.frame_rate)
        self._streaming = _streaming_convolutions(self._mimi)
        self._decode_flow = _flow_decoder(self._lm.flow_type)
        self.latent_size: int = self._lm.ldim
        self.width: int = self._lm.dim
        self._fade = torch.linspace(0, 1, int(FADE_S * self._mimi.sample_rate), device=self.device)

    # --- what goes into the language model ---------------------------------------------------------------------------

    def text(self, tokens: Sequence[int]) -> Tensor:
        """Embed tokens and the sign that audio begins: ``[tokens + 1, width]``."""
        ids = torch.tensor(tokens, dtype=torch.int64, device=self.device)
        begin = self._lm.input_linear(self._lm.bos_emb[None])
        return torch.cat([self._lm.conditioner(ids), begin])

    def latent(self, latent: Tensor) -> Tensor:
        """Embed a latent ``[latent_size]`` that was spoken: ``[1, width]``."""
        return self._lm.input_linear(latent[None])

    def voice_prompt(self, audio: Tensor) -> Tensor:
        """Embed a reference clip, ``[samples]`` at the model's rate: ``[length, width]``."""
        return self._model._encode_audio(audio[None, None].to(self.device))[0]

    def with_begin(self, prompt: Tensor) -> Tensor:
        """Put the sign that a voice begins before an embedded clip, for models that know one."""
        return torch.cat([self._lm.bos_before_voice[0], prompt]) if self._lm.insert_bos_before_voice else prompt

    def prefill(self, prompt: Tensor) -> Tensor:
        """Keys and values of an embedded prompt ``[length, width]``: ``[layers, 2, length, heads, dim]``."""
        cache = RowCache(self.language_shape, prompt.to(self._dtype), prompt.shape[0])
        self._run([(cache, prompt)])
        return cache.content

    # --- a codec frame -----------------------------------------------------------------------------------------------

    def predict(self, rows: Sequence[tuple[Row, Tensor]]) -> Tensor:
        """Advance rows by what was embedded for each (``[count, width]``); what comes next: ``[rows, hidden]``."""
        packed, output = self._run([(row.prefix, embedded) for row, embedded in rows])
        last = torch.tensor([span.stop - 1 for span in packed.spans], device=self.device)
        hidden = self._lm.out_norm(output[last].float() if self._dtype is not torch.float32 else output[last])
        return hidden if self._lm.z_proj is None else self._lm.z_proj(hidden)

    def _run(self, rows: Sequence[tuple[RowCache, Tensor]]) -> tuple[Packed, Tensor]:
        packed = self._language.pack([(cache, embedded.shape[0]) for cache, embedded in rows])
        tokens = torch.cat([embedded for _, embedded in rows]).to(self._dtype)
        output = self._lm.transformer(tokens[None], packed)[0]
        packed.advance()
        return packed, output

    def end_logits(self, hidden: Tensor) -> list[float]:
        """How sure the model is that each row's speech ended."""
        return self._lm.out_eos(hidden)[:, 0].tolist()

    def sample(self, hidden: Tensor, noise: Tensor) -> Tensor:
        """The next latents ``[rows, latent_size]``, from noise of that shape."""
        flow = partial(self._lm.flow_net, hidden)
        return self._decode_flow(flow, noise.to(self.device), self._model.sampler_decode_steps)

    def decode(self, rows: Sequence[Row], latents: Tensor) -> Tensor:
        """Make the audio of one codec frame a row, ``[rows, samples]``, from ``[rows, latent_size]``."""
        packed = self._codec.pack([(row.codec, self._codec_tokens) for row in rows])
        for name, first in rows[0].convolutions.items():
            packed.convolutions[name] = {key: torch.cat([row.convolutions[name][key] for row in rows]) for key in first}
        scaled = latents * self._lm.emb_std + self._lm.emb_mean
        audio = self._mimi.decode_from_latent(scaled[:, None], packed)[:, 0]
        for index, row in enumerate(rows):
            if row.codec.position == 0:
                audio[index, : len(self._fade)] *= self._fade
            row.convolutions = {
                name: {key: value[index : index + 1] for key, value in state.items()}
                for name, state in packed.convolutions.items()
            }
        packed.advance()
        return audio

    def fresh_convolutions(self) -> dict[str, dict[str, Tensor]]:
        """State of the decoder's convolutions before the first codec frame of a row."""
        return {name: module.init_state(1, 0) for name, module in self._streaming.items()}


def _streaming_convolutions(mimi: Any) -> Mapping[str, Any]:
    """The codec's streaming modules on the way from latents to audio, by the name that they look their state up by."""
    from pocket_tts.modules.conv import StreamingConv1d, StreamingConvTranspose1d

    return {
        name: module
        for name, module in mimi.named_modules()
        if isinstance(module, StreamingConv1d | StreamingConvTranspose1d) and name.startswith(("upsample", "decoder."))
    }


def _flow_decoder(kind: str) -> Callable[..., Tensor]:
    from pocket_tts.models import flow_lm

    decoders = {
        "lsd": flow_lm.lsd_decode,
        "flow_matching": flow_lm.ot_decode,
        "drifting": flow_lm.drifting_decode,
        "pointwise": flow_lm.pointwise_decode,
    }
    return decoders[kind]
