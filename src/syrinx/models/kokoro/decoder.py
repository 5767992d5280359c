"""Kokoro's decoder in small steps, so that a cancel or another listener waits for one of them and not for a sentence.

What ``Decoder.forward`` and ``Generator.forward`` of kokoro 0.9.4 (Apache-2.0, after StyleTTS 2) do, layer by layer
with the library's own weights. What surrounds the convolutions is done in place and with fewer passes over memory.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

Tensor = Any
"""A ``torch.Tensor``, float32."""
Steps = Generator[None, None, Tensor]
"""Yields between steps; what it returns was made."""
SLOPES = (0.1, 0.01)
"""Of leaky ReLUs: before each upsampling, and before the last convolution (torch's own default)."""


@dataclass(frozen=True, slots=True)
class Prosody:
    """What pieces of equal length are decoded from."""

    text: Tensor
    """[batch, 512, frames]."""
    pitch: Tensor
    """Hertz, [batch, frames * 2]."""
    energy: Tensor
    """[batch, frames * 2]."""
    style: Tensor
    """The decoder's half, [batch, 128]."""
    seeds: Sequence[int]
    """Of each row's noise."""


def decode(decoder: Any, given: Prosody) -> Steps:
    """Return the audio, float32 [batch, 1, frames * 600]. ``decoder`` is the library's."""
    import torch

    text, style = given.text, given.style
    pitch, energy = decoder.F0_conv(given.pitch.unsqueeze(1)), decoder.N_conv(given.energy.unsqueeze(1))
    made = decoder.encode(torch.cat([text, pitch, energy], dim=1), style)
    beside = torch.cat([decoder.asr_res(text), pitch, energy], dim=1)
    yield
    for block in decoder.decode:  # only the last one makes more than what stands beside it is long
        made = block(torch.cat([made, beside], dim=1), style)
        yield
    return (yield from _generate(decoder.generator, made, given))


def excitation(generator: Any, pitch: Tensor, seeds: Sequence[int]) -> Tensor:
    """What the vocal cords would give, random phases and noise included, by a seed for each row: [batch, samples, 1].
    The process's own random numbers stay as they are."""
    import torch

    devices = [pitch.device] if pitch.device.type == "cuda" else []
    rows: list[Tensor] = []
    with torch.random.fork_rng(devices=devices):
        for seed, row in zip(seeds, generator.f0_upsamp(pitch[:, None]).transpose(1, 2).split(1), strict=True):
            torch.manual_seed(seed)
            rows.append(generator.m_source(row)[0])
    return torch.cat(rows)


def _generate(generator: Any, made: Tensor, given: Prosody) -> Steps:
    import torch
    from torch.nn import functional

    style = given.style
    excited = excitation(generator, given.pitch, given.seeds).transpose(1, 2).squeeze(1)
    spectrum = torch.cat(generator.stft.transform(excited), dim=1)
    last = generator.num_upsamples - 1
    for n in range(generator.num_upsamples):
        source = yield from _residual(generator.noise_res[n], generator.noise_convs[n](spectrum), style)
        made = generator.ups[n](functional.leaky_relu(made, SLOPES[0]))
        if n == last:
            made = generator.reflection_pad(made)
        made.add_(source)
        yield
        made = yield from _mean(generator.resblocks[n * generator.num_kernels :][: generator.num_kernels], made, style)
    made = generator.conv_post(functional.leaky_relu_(made, SLOPES[1]))
    half = generator.post_n_fft // 2 + 1
    return generator.stft.inverse(made[:, :half].exp(), made[:, half:].sin())


def _mean(blocks: Any, made: Tensor, style: Tensor) -> Steps:
    """Of what each block makes of the same."""
    total = yield from _residual(blocks[0], made, style)
    for block in blocks[1:]:
        total.add_((yield from _residual(block, made, style)))
    return total.div_(len(blocks))


def _residual(block: Any, made: Tensor, style: Tensor) -> Steps:
    """``AdaINResBlock1``, a dilation a step; ``made`` is left as it is."""
    for n, first in enumerate(block.convs1):
        inner = first(_snake(_adapted(block.adain1[n], made, style), block.alpha1[n]))
        inner = block.convs2[n](_snake(_adapted(block.adain2[n], inner, style), block.alpha2[n]))
        made = inner.add_(made)
        yield
    return made


def _adapted(layer: Any, made: Tensor, style: Tensor) -> Tensor:
    """``AdaIN1d``: each channel to mean and variance that the style gives. Its two scales are one here."""
    import torch

    gain, offset = layer.fc(style).chunk(2, dim=1)
    gain = gain + 1
    norm, (rows, channels, length) = layer.norm, made.shape
    weight, bias = (norm.weight * gain).reshape(-1), (norm.bias * gain + offset).reshape(-1)
    flat = made.reshape(1, rows * channels, length)
    return torch.batch_norm(flat, weight, bias, None, None, True, 0.0, norm.eps, False).view_as(made)


def _snake(made: Tensor, alpha: Tensor) -> Tensor:
    """``x + sin(alpha x)^2 / alpha``, in place."""
    wave = (made * alpha).sin_()
    return made.addcmul_(wave.mul_(wave), 1 / alpha)
