"""What one request may ask for: some of the options that a model was loaded with, for itself alone."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from syrinx.core.errors import InvalidRequest
from syrinx.models.options import options_schema

T = TypeVar("T")


def schema_of(kind: type, options: object) -> dict[str, Any]:
    """Return the JSON Schema of a request's options (the dataclass ``kind``), with the defaults that hold here."""
    made = options_schema(kind)
    for name, described in made["properties"].items():
        described["default"] = getattr(options, name)
    return made


def read_as(kind: type[T], model: str, given: Mapping[str, Any], options: object) -> T:
    """Check the options of a request. Raises ``InvalidRequest`` whose ``param`` is the name of the wrong one."""
    hints = typing.get_type_hints(kind, include_extras=True)
    values: dict[str, Any] = {name: getattr(options, name) for name in hints}
    for name, value in given.items():
        if name not in hints:
            raise InvalidRequest(f"The model {model} has no option {name!r} for a request.", param=name)
        try:
            values[name] = msgspec.convert(value, hints[name])
        except msgspec.ValidationError as error:
            raise InvalidRequest(f"Option {name!r}: {error}, got {str(value)[:100]!r}.", param=name) from None
    return kind(**values)
