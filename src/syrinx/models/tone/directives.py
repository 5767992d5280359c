"""The fault directives of the tone model's text, parsed to values. Pure: nothing here acts on them."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from syrinx.core.errors import InvalidRequest
from syrinx.core.types import Span

VERBATIM = r"\{\{[^{}]*\}\}"
"""Regular expression of a directive in text, well-formed or not."""

MAX_SECONDS = 3600.0
"""Longest ``{{stall}}`` and ``{{long}}``: past it a typo is likelier than a wish."""


class Fault(enum.Enum):
    CRASH = "crash"
    """The process dies."""
    ERROR = "error"
    """The step of this job raises."""
    STALL = "stall"
    """The step blocks for ``seconds``."""
    RUNAWAY = "runaway"
    """The job never ends from here on."""
    LONG = "long"
    """``seconds`` more audio."""


@dataclass(frozen=True, slots=True)
class Directive:
    """One fault and where it stands in the text."""

    fault: Fault
    span: Span
    seconds: float = 0.0


_DIRECTIVE = re.compile(VERBATIM)
_TIMED = (Fault.STALL, Fault.LONG)


def parse(text: str) -> tuple[Directive, ...]:
    """Return the directives of ``text`` in order.

    Raises ``InvalidRequest`` for an unknown or unclosed directive and for a length that is absent, not wanted, not a
    number, or outside 0 to ``MAX_SECONDS``.
    """
    found = tuple(_directive(match) for match in _DIRECTIVE.finditer(text))
    if "{{" in _DIRECTIVE.sub("", text):
        raise InvalidRequest("The text has '{{' that no '}}' closes.", code="bad_directive", param="text")
    return found


def _directive(match: re.Match[str]) -> Directive:
    said = match.group()
    name, *arguments = said[2:-2].split() or [""]
    try:
        fault = Fault(name)
    except ValueError:
        known = ", ".join(fault.value for fault in Fault)
        raise _refusal(said, f"there is no such directive; there are: {known}") from None
    if fault not in _TIMED and arguments:
        raise _refusal(said, f"{name} takes nothing after it")
    seconds = _seconds(said, arguments) if fault in _TIMED else 0.0
    return Directive(fault, Span(*match.span()), seconds)


def _seconds(said: str, arguments: list[str]) -> float:
    try:
        (word,) = arguments
        seconds = float(word)
    except ValueError:
        raise _refusal(said, "it takes one number of seconds") from None
    if not 0 <= seconds <= MAX_SECONDS:
        raise _refusal(said, f"seconds must be 0 to {MAX_SECONDS:g}")
    return seconds


def _refusal(said: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"{said}: {why}.", code="bad_directive", param="text")
