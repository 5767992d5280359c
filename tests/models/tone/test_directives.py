from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.errors import InvalidRequest
from syrinx.core.types import Span
from syrinx.models.tone.directives import VERBATIM, Directive, Fault, parse


def test_each_directive_is_found_where_it_stands() -> None:
    text = "a {{crash}} b {{ stall 1.5 }}{{runaway}} {{error}} {{long 2}}"
    assert parse(text) == (
        Directive(Fault.CRASH, Span(2, 11)),
        Directive(Fault.STALL, Span(14, 29), 1.5),
        Directive(Fault.RUNAWAY, Span(29, 40)),
        Directive(Fault.ERROR, Span(41, 50)),
        Directive(Fault.LONG, Span(51, 61), 2.0),
    )


def test_text_without_directives_has_none() -> None:
    assert parse("just { text } here }}") == ()


@pytest.mark.parametrize(
    "text",
    [
        "{{}}",
        "{{bang}}",
        "{{CRASH}}",
        "{{crash 1}}",
        "{{stall}}",
        "{{stall x}}",
        "{{stall 1 2}}",
        "{{stall 3601}}",
        "{{long -1}}",
        "{{long nan}}",
        "{{long inf}}",
        "a {{crash",
    ],
)
def test_a_malformed_directive_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(text)
    assert caught.value.code == "bad_directive" and caught.value.param == "text"


@given(st.text(alphabet="{}crashlong 12.", max_size=40))
def test_any_text_parses_or_is_refused_and_spans_are_what_verbatim_keeps(text: str) -> None:
    try:
        found = parse(text)
    except InvalidRequest:
        return
    assert [(d.span.start, d.span.end) for d in found] == [m.span() for m in re.finditer(VERBATIM, text)]
