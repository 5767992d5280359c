"""How tokens are drawn: the options of one request. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from syrinx.core.errors import ConfigError, InvalidRequest
from syrinx.models.options import Range, options_schema, parse_options

Temperature = Annotated[float, Range(ge=0, le=2, description="Spread of the draw; 0: always the likeliest")]
TopP = Annotated[float, Range(ge=0.01, le=1, description="Share of probability that is drawn from")]
RepetitionPenalty = Annotated[float, Range(ge=1, le=2, description="What tokens that were used are held back by")]
MaxTokens = Annotated[int, Range(ge=0, le=32768, description="Most tokens of a segment, 7 a frame; 0: no such limit")]


@dataclass(frozen=True, slots=True)
class Sampling:
    """Of one job; names, and ranges where they have any, are those of vLLM."""

    temperature: Temperature = 0.6
    top_p: TopP = 0.9
    repetition_penalty: RepetitionPenalty = 1.1
    max_tokens: MaxTokens = 0


def request_schema(defaults: Sampling) -> dict[str, Any]:
    """``ModelInfo.options_schema``, with these defaults."""
    schema = options_schema(Sampling)
    for name, field in schema["properties"].items():
        field["default"] = getattr(defaults, name)
    return schema


def sampling_of(model: str, options: Mapping[str, Any], defaults: Sampling) -> Sampling:
    """Read a job's options. Raises ``InvalidRequest`` whose ``param`` is the option that is wrong."""
    try:
        parsed = parse_options(model, Sampling, options)
    except ConfigError as error:
        raise InvalidRequest(error.message, param=error.param) from None
    return replace(defaults, **{name: getattr(parsed, name) for name in options})
