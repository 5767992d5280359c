from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import pytest

from syrinx.core.errors import ConfigError
from syrinx.models.options import Range, options_schema, parse_options


@dataclass(frozen=True, slots=True)
class Knobs:
    speed: Annotated[float, Range(gt=0, le=10, description="How fast")] = 1.0
    rows: Annotated[int, Range(ge=1)] = 2
    device: str = "cpu"


def test_what_is_not_given_has_its_default() -> None:
    assert parse_options("m", Knobs, {"speed": 3}) == Knobs(speed=3.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("speed", 0),
        ("speed", 11),
        ("speed", math.nan),
        ("speed", "fast"),
        ("rows", 1.5),
        ("rows", True),
        ("device", None),
    ],
)
def test_a_bad_value_is_refused_naming_its_option(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=name) as caught:
        parse_options("m", Knobs, {name: value})
    assert caught.value.param == name


def test_an_unknown_option_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'speed'") as caught:
        parse_options("m", Knobs, {"sped": 1})
    assert caught.value.param == "sped"


def test_the_schema_carries_ranges_defaults_and_descriptions() -> None:
    schema = options_schema(Knobs)
    assert schema["additionalProperties"] is False
    assert schema["properties"]["speed"] == {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 10,
        "description": "How fast",
        "default": 1.0,
    }
