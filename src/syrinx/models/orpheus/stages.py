"""The codec's decoder stage by stage, each given no more samples than what is kept of its sound needs.

Context beside the kept frames matters to the first stages, which are slow in samples and cheap; the last ones, which
cost the most, reach a few samples only. So they leave out what nothing kept depends on, and the result is the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .frames import SAMPLES_PER_FRAME


@dataclass(frozen=True, slots=True)
class Stage:
    """A layer; lengths are in samples, of its input where nothing else is said."""

    layer: Any
    stride: int
    """Samples that it makes of one."""
    frame: int
    """Samples of a codec frame."""
    margin: int
    """Samples beside those of the kept frames, on each side, on which their sound still depends here."""

    def needed(self, skip: int, keep: int, length: int) -> tuple[int, int]:
        """Of the samples of a window, those to read where ``keep`` frames are kept after ``skip``.

        What lies at the window's own edges is read up to them, for there the sound may really begin or end.
        """
        return max(0, skip * self.frame - self.margin), min(length, (skip + keep) * self.frame + self.margin)


def stages_of(layers: Iterable[Any]) -> list[Stage]:
    """The stages of a ``snac`` decoder's layers, in order."""
    stages: list[Stage] = []
    frame, margin = SAMPLES_PER_FRAME, 0
    for layer in reversed(list(layers)):
        stride, reach = _shape(layer)
        frame //= stride
        margin = -(-(margin + reach) // stride) + (stride > 1)  # a sample that becomes several reaches into the next
        stages.append(Stage(layer, stride, frame, margin))
    return stages[::-1]


def _shape(layer: Any) -> tuple[int, int]:
    """Samples made of one, and how far its convolutions reach to a side, in samples of what it makes."""
    from torch.nn import Conv1d, ConvTranspose1d

    stride, reach = 1, 0
    for module in layer.modules():
        if isinstance(module, ConvTranspose1d):
            stride *= module.stride[0]
        elif isinstance(module, Conv1d):
            reach += (module.kernel_size[0] - 1) // 2 * module.dilation[0]
    return stride, reach
