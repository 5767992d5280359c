"""SNAC, 24 kHz: codec frames to samples."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syrinx.core.types import Samples

from .frames import CODES, SAMPLE_RATE, SAMPLES_PER_FRAME, levels_of
from .noise import noise_of
from .speech import Piece
from .stages import stages_of

STRIDES = [4, 2, 1]


def suits(config: dict[str, Any]) -> bool:
    """Whether a codec's configuration is of the kind that these frames are of."""
    hop = int(np.prod(config.get("encoder_rates", [])))
    kept = (config.get("sampling_rate"), config.get("codebook_size"), config.get("vq_strides"), hop * STRIDES[0])
    return kept == (SAMPLE_RATE, CODES, STRIDES, SAMPLES_PER_FRAME) and config.get("attn_window_size") is None


class Codec:
    """The decoder of a ``snac.SNAC``, changed in place: noise is keyed, weights are not worked out at each call."""

    def __init__(self, model: Any, device: Any) -> None:
        self._noise: list[NDArray[np.float32]] = []
        """Of what is decoded now, by block: (pieces, samples there)."""
        self._at = 0
        """Place in the window of the first sample of what the stage that runs now makes."""
        self._device = device
        del model.encoder
        _bake_weights(model)
        self._sizes = self._key_noise(model)
        self._model: Any = model.to(device).eval()
        self._stages = stages_of(model.decoder.model)

    @classmethod
    def load(cls, folder: Path, device: Any) -> Codec:
        """Read a folder of the published layout, which ``checkpoint.check_codec`` has checked."""
        from snac import SNAC

        return cls(SNAC.from_pretrained(str(folder)), device)

    def decode(self, pieces: Sequence[Piece]) -> list[Samples]:
        """What is kept of each piece: float32 in [-1, 1], 2048 samples a frame.

        Pieces of one shape are decoded together on a GPU; on a CPU that gains nothing (measured).
        """
        together: dict[Any, list[int]] = {}
        for n, piece in enumerate(pieces):
            shape = (len(piece.frames), piece.skip, piece.keep)
            together.setdefault(n if self._device.type == "cpu" else shape, []).append(n)
        made: dict[int, Samples] = {}
        for places in together.values():
            made |= zip(places, self._decode([pieces[n] for n in places]), strict=True)
        return [made[n] for n in range(len(pieces))]

    def _decode(self, pieces: Sequence[Piece]) -> list[Samples]:
        """Pieces of one shape."""
        import torch

        levels = [levels_of(piece.frames) for piece in pieces]
        codes = [torch.from_numpy(np.stack(level)).to(self._device) for level in zip(*levels, strict=True)]
        noise = [noise_of(piece.seed, piece.first, len(piece.frames), self._sizes) for piece in pieces]
        self._noise = [np.stack(block) for block in zip(*noise, strict=True)]
        with torch.inference_mode():
            sound = self._sounded(self._model.quantizer.from_codes(codes), pieces[0])
        return [np.clip(row, -1.0, 1.0) for row in sound[:, 0].float().cpu().numpy()]

    def _sounded(self, sound: Any, piece: Piece) -> Any:
        """The kept samples of windows of one shape, (pieces, 1, samples)."""
        self._at = 0
        for stage in self._stages:
            low, high = stage.needed(piece.skip, piece.keep, len(piece.frames) * stage.frame)
            sound = sound[..., low - self._at : high - self._at]
            self._at = low * stage.stride
            sound = stage.layer(sound)
        start = piece.skip * SAMPLES_PER_FRAME - self._at
        return sound[..., start : start + piece.keep * SAMPLES_PER_FRAME]

    def _key_noise(self, model: Any) -> list[int]:
        """Have the noise blocks take our noise; returns how much a frame needs of it, by block."""
        from snac.layers import NoiseBlock

        sizes: list[int] = []
        samples = STRIDES[0]  # steps of the finest level in a frame
        for stage in model.decoder.model:
            layers = getattr(stage, "block", ())
            samples *= next((layer.stride[0] for layer in layers if hasattr(layer, "output_padding")), 1)
            for layer in layers:
                if isinstance(layer, NoiseBlock):
                    layer.forward = functools.partial(self._with_noise, layer, len(sizes))
                    sizes.append(samples)
        return sizes

    def _with_noise(self, block: Any, place: int, sound: Any) -> Any:
        """``sound`` (pieces, channels, samples): noise is one channel, coloured by the block's own layer."""
        import torch

        drawn = self._noise[place][:, self._at : self._at + sound.shape[-1]]
        noise = torch.from_numpy(drawn)[:, None].to(sound)
        return sound + noise * block.linear(sound)


def _bake_weights(model: Any) -> None:
    """Weight norm works each weight out of two tensors at each call; a decoder that is never trained needs it once."""
    from torch.nn.utils import parametrize

    for module in model.modules():
        if parametrize.is_parametrized(module, "weight"):
            parametrize.remove_parametrizations(module, "weight")
