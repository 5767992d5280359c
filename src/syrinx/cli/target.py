"""What every command that speaks to a server asks of its user: where it is, its key, what is said and how."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter, validators

from syrinx.core.errors import EmptyText

if TYPE_CHECKING:
    from syrinx.client.load import Plan

TEXT = (
    "The harbour wakes before the town does. Long before the first shop opens its shutters, the boats are already out "
    "past the lighthouse, and only the gulls are left to argue over yesterday's nets. By seven the ferry has come in "
    "from the islands. By eight the market smells of bread, oranges and rain, and nobody remembers that it was ever "
    "quiet here."
)
"""What is spoken unless another text is given: 60 words in four sentences."""
SHORT_TEXT = "Yes, of course. I will be there at nine."

Mode = Literal["single", "sentences"]
Dialect = Literal["realtime", "openai", "chatterbox"]


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Asked:
    """A server, and what it is asked to say."""

    url: Annotated[str, Parameter(help="Address of the server.")] = "http://127.0.0.1:8000"
    api_key: Annotated[
        str | None, Parameter(help="Its key; better in SYRINX_API_KEY, since others can read a command line.")
    ] = None
    dialect: Annotated[Dialect, Parameter(help="How it is spoken to.")] = "realtime"
    mode: Annotated[Mode, Parameter(help="The text as one request, or a request for each sentence.")] = "single"
    voice: Annotated[str | None, Parameter(help="A voice of the server; else its own choice.")] = None
    speed: Annotated[float, Parameter(validator=validators.Number(gte=0.25, lte=4.0), help="Times faster.")] = 1.0
    text: Annotated[str, Parameter(help="What is said.", show_default=False)] = TEXT
    cached: Annotated[bool, Parameter(help="Let the server answer from its response cache.")] = False
    short_reply: Annotated[bool, Parameter(help="Say one short answer instead of the text.")] = False

    def plan(self, concurrency: int = 1) -> Plan:
        """What each transaction does. Raises ``EmptyText``."""
        from syrinx.client.load import Plan
        from syrinx.client.speakers import Target

        text = SHORT_TEXT if self.short_reply else self.text
        texts = sentences(text) if self.mode == "sentences" else [text]
        if not any(part.strip() for part in texts):
            raise EmptyText("There is nothing to say.")
        target = Target(self.url, self.api_key or key_of(os.environ), self.voice, self.speed, self.cached)
        return Plan(target, self.dialect, texts, concurrency)


def key_of(environ: Mapping[str, str]) -> str:
    """The key in the environment, under our name or a founding system's; empty: none."""
    from syrinx.founding import ALIASES

    names = ["SYRINX_API_KEY", *(alias.variable for alias in ALIASES if alias.setting == "api_key")]
    return next((environ[name] for name in names if environ.get(name)), "")


def sentences(text: str) -> list[str]:
    """The sentences of a text, cut as the server cuts them, however long."""
    from syrinx.text.segmenter import Segmenter, SegmentPolicy

    segmenter = Segmenter(SegmentPolicy(max_chars=len(text) + 1, max_buffer_chars=len(text) + 1), "en")
    pieces = segmenter.feed(text) + segmenter.end()
    return [piece.text.strip() for piece in pieces if piece.text.strip()]


AS_USUAL = Asked()
