"""What the model knows of a voice: the tensors that a prompt file keeps, and how they are made of a recording.

| name | kind, shape | what it is |
|---|---|---|
| speaker | float32 (1, 256) | voice encoder's embedding, for T3 |
| style_token | int64 (1, n), n <= 150 (Turbo 375) | the first seconds as speech tokens, for T3 |
| prompt_token | int64 (1, p), p <= 250 | up to 10 s as speech tokens, for S3Gen |
| prompt_feat | float32 (1, 2p, 80) | the same as mel frames of 20 ms |
| embedding | float32 (1, 192) | CAM++ x-vector, for S3Gen |

The same as ``Conditionals`` of chatterbox-tts, but for the emotion, which is a request's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syrinx.core.errors import InvalidRequest
from syrinx.models.base import ReferenceClip, Tensors

SPEECH_TOKENS = 6561
"""Of the S3 tokenizer (3^8); T3's further ids are its start, its stop and nothing."""
MAX_PROMPT_TOKENS = 250
MELS = 80
TOKEN_24K, TOKEN_16K = 960, 640
"""Samples of a token of 40 ms."""
SHORTEST_TURBO_S = 5.0
"""``ChatterboxTurboTTS.prepare_conditionals`` asserts it."""
TURBO_LUFS = -27.0


@dataclass(frozen=True, slots=True)
class VoiceShape:
    """What differs from variant to variant."""

    style_tokens: int
    """Most of them."""


@dataclass(frozen=True, slots=True)
class Voice:
    """The tensors, as torch's."""

    speaker: Any
    style_token: Any
    prompt_token: Any
    prompt_feat: Any
    embedding: Any

    def to(self, device: Any) -> Voice:
        """On a device."""
        return Voice(
            self.speaker.to(device),
            self.style_token.to(device),
            self.prompt_token.to(device),
            self.prompt_feat.to(device),
            self.embedding.to(device),
        )

    def shortened(self, tokens: int) -> Voice:
        """With the last tokens of its recording only, where there are more."""
        return replace(
            self, prompt_token=self.prompt_token[:, -tokens:], prompt_feat=self.prompt_feat[:, -2 * tokens :]
        )


def voice_of(tensors: Tensors, shape: VoiceShape) -> Voice:
    """Check the tensors of a prompt. Raises ``ValueError`` naming the one that is wrong."""
    import torch

    check(tensors, shape)
    return Voice(**{name: torch.from_numpy(np.array(tensors[name])) for name in Voice.__slots__})


def check(tensors: Tensors, shape: VoiceShape) -> None:
    """Raise ``ValueError`` saying what is wrong with the tensors of a prompt."""
    for name in Voice.__slots__:
        if name not in tensors:
            raise ValueError(f"it has no {name}")
    _floats("speaker", tensors["speaker"], (1, 256))
    _floats("embedding", tensors["embedding"], (1, 192))
    _tokens("style_token", tensors["style_token"], shape.style_tokens)
    count = _tokens("prompt_token", tensors["prompt_token"], MAX_PROMPT_TOKENS)
    _floats("prompt_feat", tensors["prompt_feat"], (1, 2 * count, MELS))


def _floats(name: str, array: NDArray[np.generic], shape: tuple[int, ...]) -> None:
    if array.dtype != np.float32 or array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"{name} is not float32 {shape}")


def _tokens(name: str, array: NDArray[np.generic], most: int) -> int:
    if array.dtype != np.int64 or array.ndim != 2 or array.shape[0] != 1 or not 1 <= array.shape[1] <= most:
        raise ValueError(f"{name} is not int64 (1, 1 to {most})")
    if array.min() < 0 or array.max() >= SPEECH_TOKENS:
        raise ValueError(f"{name} has tokens that there are not")
    return array.shape[1]


def prepare(clip: ReferenceClip, t3: Any, s3gen: Any, encoder: Any, *, turbo: bool) -> Tensors:
    """Derive the tensors of a recording. Raises ``InvalidRequest`` for one that the model cannot use."""
    import librosa
    import torch

    if turbo and len(clip.samples) <= SHORTEST_TURBO_S * clip.sample_rate:
        raise InvalidRequest("Chatterbox Turbo needs a recording of more than 5 s.", code="reference_too_short")
    wave = librosa.resample(clip.samples, orig_sr=clip.sample_rate, target_sr=24_000)
    wave = _loudness(wave) if turbo else wave
    wave_16k = librosa.resample(wave, orig_sr=24_000, target_sr=16_000)
    kept = min(len(wave) // TOKEN_24K, MAX_PROMPT_TOKENS) * TOKEN_24K  # whole tokens: then they match the mel frames
    style = t3.hp.speech_cond_prompt_len
    with torch.inference_mode():
        gen = s3gen.embed_ref(wave[:kept], 24_000, device=s3gen.device)
        tokens, _ = s3gen.tokenizer.forward([wave_16k[: style * TOKEN_16K]], max_len=style)
        speaker = torch.from_numpy(encoder.embeds_from_wavs([wave_16k], sample_rate=16_000)).mean(0, keepdim=True)
    tensors = paired(
        {
            "speaker": _array(speaker, np.float32),
            "style_token": _array(torch.atleast_2d(tokens)[:, :style], np.int64),
            "prompt_token": _array(gen["prompt_token"], np.int64),
            "prompt_feat": _array(gen["prompt_feat"], np.float32),
            "embedding": _array(gen["embedding"], np.float32),
        }
    )
    try:
        check(tensors, VoiceShape(style))
    except ValueError as error:
        raise InvalidRequest(f"No voice is heard in the recording: {error}.", code="no_voice") from None
    return tensors


def paired(tensors: Tensors) -> Tensors:
    """Cut the recording's tokens and mel frames to whole pairs: one token is two frames."""
    count = min(tensors["prompt_token"].shape[1], tensors["prompt_feat"].shape[1] // 2, MAX_PROMPT_TOKENS)
    cut = {"prompt_token": tensors["prompt_token"][:, :count], "prompt_feat": tensors["prompt_feat"][:, : 2 * count]}
    return {**tensors, **cut}


def _array(tensor: Any, kind: type[np.float32] | type[np.int64]) -> NDArray[np.generic]:
    return np.ascontiguousarray(tensor.cpu().numpy(), dtype=kind)


def _loudness(wave: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring a recording to the loudness that Turbo was made for, as its ``norm_loudness`` does."""
    import pyloudnorm

    gain = 10.0 ** ((TURBO_LUFS - pyloudnorm.Meter(24_000).integrated_loudness(wave)) / 20.0)
    return (wave * np.float32(gain)) if np.isfinite(gain) and gain > 0 else wave
