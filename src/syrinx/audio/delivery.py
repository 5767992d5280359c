"""Who does which part of the delivery: the model what it can do itself, the chain after it the rest. Pure."""

from __future__ import annotations

import math
from typing import Protocol

from syrinx.core.errors import InvalidRequest
from syrinx.core.types import Delivery

Range = tuple[float, float]

LIMITS: dict[str, Range] = {"speed": (0.25, 4.0), "pitch": (0.5, 2.0), "volume": (0.0, 2.0)}
"""What a caller may ask for, as ``Delivery`` states it."""


class NativeRanges(Protocol):
    """What a model does itself; ``models.base.ModelInfo`` is one. None: not at all."""

    @property
    def native_speed(self) -> Range | None: ...
    @property
    def native_pitch(self) -> Range | None: ...
    @property
    def native_volume(self) -> Range | None: ...


def check(delivery: Delivery) -> None:
    """Raise ``InvalidRequest`` naming the field that is not a number or out of ``LIMITS``."""
    for name, (low, high) in LIMITS.items():
        value = getattr(delivery, name)
        if not low <= value <= high:  # also true of NaN
            raise InvalidRequest(f"A {name} of {value} is out of range; choose {low:g} to {high:g}.", param=name)


def split(delivery: Delivery, info: NativeRanges) -> tuple[Delivery, Delivery]:
    """Return (native, residual): each field of their product is what was asked for.

    A model sounds best doing a thing itself, so it gets as much as its range allows. Raises ``InvalidRequest``.
    """
    check(delivery)
    speed = _split_one(delivery.speed, info.native_speed)
    pitch = _split_one(delivery.pitch, info.native_pitch)
    volume = _split_one(delivery.volume, info.native_volume)
    return (
        Delivery(speed=speed[0], pitch=pitch[0], volume=volume[0]),
        Delivery(speed=speed[1], pitch=pitch[1], volume=volume[1]),
    )


def _split_one(value: float, native: Range | None) -> tuple[float, float]:
    if native is None:
        return 1.0, value
    low, high = native
    done = min(max(value, low), high)
    if math.isclose(done, value) or done <= 0.0:
        return done, 1.0
    return done, value / done
