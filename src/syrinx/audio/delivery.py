"""Who does which part of the delivery: the model what it can do itself, the chain after it the rest. Pure."""

from __future__ import annotations

import math
from typing import Protocol

from syrinx.core.errors import InvalidRequest
from syrinx.core.types import Delivery

Range = tuple[float, float]

LIMITS: dict[str, Range] = {"speed": (0.25, 4.0), "pitch": (0.5, 2.0), "volume": (0.0, 2.0)}
"""What a caller may ask for, as ``Delivery`` states it."""

RESIDUAL_LIMITS: dict[str, Range] = {"speed": (0.0625, 16.0), "pitch": (0.25, 4.0), "volume": (0.0, 200.0)}
"""What is left of those where the model was asked for one end of its range and then the caller wants the other."""
MIN_NATIVE_VOLUME = 0.01
"""A model is not asked for less: silence could not be made louder when the caller wants to hear again."""


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
    _check(delivery, LIMITS)


def check_residual(residual: Delivery) -> None:
    """Raise ``InvalidRequest`` for what no caller's wish and no model's share of it can leave to the chain."""
    _check(residual, RESIDUAL_LIMITS)


def _check(delivery: Delivery, limits: dict[str, Range]) -> None:
    for name, (low, high) in limits.items():
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
    volume = _split_one(delivery.volume, _audible(info.native_volume))
    return (
        Delivery(speed=speed[0], pitch=pitch[0], volume=volume[0]),
        Delivery(speed=speed[1], pitch=pitch[1], volume=volume[1]),
    )


def remainder(wanted: Delivery, native: Delivery) -> Delivery:
    """What the chain has to do to audio that the model made with its share ``native``."""
    return Delivery(
        speed=_over(wanted.speed, native.speed),
        pitch=_over(wanted.pitch, native.pitch),
        volume=_over(wanted.volume, native.volume),
    )


def _audible(native: Range | None) -> Range | None:
    return None if native is None else (max(native[0], MIN_NATIVE_VOLUME), native[1])


def _split_one(value: float, native: Range | None) -> tuple[float, float]:
    if native is None:
        return 1.0, value
    low, high = native
    done = min(max(value, low), high)
    return done, _over(value, done)


def _over(value: float, done: float) -> float:
    return 1.0 if math.isclose(done, value) else value / done
