"""The options a model is constructed with: a frozen dataclass a model, checked here against its own annotations.

A field says its range and meaning by ``Annotated[float, Range(gt=0, description="...")]``.
"""

from __future__ import annotations

import difflib
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from syrinx.core.errors import ConfigError

Range = msgspec.Meta
"""Bounds (``gt``, ``ge``, ``lt``, ``le``) and ``description`` of one option."""

T = TypeVar("T")


def parse_options(model: str, kind: type[T], given: Mapping[str, Any]) -> T:
    """Build ``kind`` (a frozen dataclass) from option names and JSON-like values; what is not given has its default.

    Raises ``ConfigError`` whose ``param`` is the name of the unknown, ill-typed or out-of-range option.
    """
    hints = typing.get_type_hints(kind, include_extras=True)
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in hints:
            raise ConfigError(f"The model {model} has no option {name!r}.{_advice(name, list(hints))}", param=name)
        try:
            values[name] = msgspec.convert(value, hints[name])
        except msgspec.ValidationError as error:
            raise ConfigError(f"Option {name!r} of the model {model}: {error}, got {value!r}.", param=name) from None
    return kind(**values)


def options_schema(kind: type) -> dict[str, Any]:
    """Return the JSON Schema (an object schema with ranges, defaults and descriptions) of an options dataclass."""
    _, components = msgspec.json.schema_components([kind])
    return {**components[kind.__name__], "additionalProperties": False}


def _advice(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f" Did you mean {close[0]!r}?"
    return f" It has: {', '.join(known)}." if known else " It has none."
