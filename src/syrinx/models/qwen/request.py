"""What a single request may ask of the model, checked by name. Pure."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from syrinx.core.errors import InvalidRequest
from syrinx.models.options import Range, options_schema

MAX_INSTRUCTIONS = 1000
"""Characters: they are read anew with each segment, before its first sound."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """Options of one request. None: as the checkpoint's ``generation_config.json`` says."""

    instructions: Annotated[
        str, Range(max_length=MAX_INSTRUCTIONS, description="How it is to sound: 'slowly, in a warm low voice'")
    ] = ""
    temperature: (
        Annotated[float, Range(ge=0, le=2, description="How freely it varies; 0: the likeliest each time")] | None
    ) = None
    top_k: Annotated[int, Range(ge=0, le=3072, description="Choose among so many; 0: among all")] | None = None
    top_p: Annotated[float, Range(gt=0, le=1, description="Choose among so much of the likelihood")] | None = None
    repetition_penalty: (
        Annotated[float, Range(gt=0, le=2, description="How strongly to avoid what was said; 1: not at all")] | None
    ) = None


def schema(instructions: bool) -> dict[str, Any]:
    """Return the JSON Schema of the options; ``instructions`` only where the checkpoint follows them."""
    made = options_schema(Wishes)
    if not instructions:
        del made["properties"]["instructions"]
    return made


def read(options: Mapping[str, Any]) -> Wishes:
    """Check the options of a request. Raises ``InvalidRequest`` whose ``param`` is the name of the wrong one."""
    hints = typing.get_type_hints(Wishes, include_extras=True)
    values: dict[str, Any] = {}
    for name, value in options.items():
        if name not in hints:
            raise InvalidRequest(f"The model qwen has no option {name!r} for a request.", param=name)
        try:
            values[name] = msgspec.convert(value, hints[name])
        except msgspec.ValidationError as error:
            raise InvalidRequest(f"Option {name!r}: {error}, got {str(value)[:100]!r}.", param=name) from None
    return Wishes(**values)
