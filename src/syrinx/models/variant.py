"""What a model needs otherwise where one of its options has a certain value, as data."""

from __future__ import annotations

from dataclasses import dataclass

from .weights import Weights


@dataclass(frozen=True, slots=True)
class Variant:
    """Fields of the model's entry that are others then; None: as they are."""

    option: str
    value: str
    environment: str | None = None
    requires: tuple[str, ...] | None = None
    weights: tuple[Weights, ...] | None = None

    def changes(self) -> dict[str, object]:
        """By the name of the entry's field."""
        named = {"environment": self.environment, "requires": self.requires, "weights": self.weights}
        return {name: value for name, value in named.items() if value is not None}
