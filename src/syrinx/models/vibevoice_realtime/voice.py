"""A voice in memory: what the language model has read of it, so that speech goes on from there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from syrinx.models.vibevoice.kinds import Device, Dtype, Tensor

from .voices import FILES


@dataclass(frozen=True, slots=True)
class Voice:
    """Keys and values ``[layers, heads, time, size]`` of three caches, on the device."""

    text: tuple[Tensor, Tensor]
    """Of the lower layers."""
    speech: tuple[Tensor, Tensor]
    """Of the upper layers."""
    against: tuple[Tensor, Tensor]
    """Of the upper layers where they know nothing, for guidance."""
    against_hidden: Tensor
    """``[1, hidden]``: the state after that."""

    @property
    def length(self) -> int:
        """Positions that it takes."""
        return self.speech[0].shape[2]


def load(path: Path, device: Device, dtype: Dtype) -> Voice:
    """Read a file that ``voices.find`` found. Raises ``ModelNotReady`` where it is gone or was changed since."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        read = {name: tensor.to(device, dtype) for name, tensor in load_file(str(path)).items()}
        pairs = {part: (read[f"{part}.keys"], read[f"{part}.values"]) for part in ("text", "speech", "against")}
        return Voice(**pairs, against_hidden=read["against.hidden"][None])
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise FILES.wrong(path, f"it cannot be read ({str(error)[:100]})") from None
