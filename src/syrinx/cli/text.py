"""``syrinx text``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from syrinx.core.errors import EmptyText, TextTooLong

from .table import print_json, print_table

if TYPE_CHECKING:
    from syrinx.config import Settings
    from syrinx.text.segmenter import SegmentPolicy


def text(
    written: Annotated[str | None, Parameter(name="TEXT", help="What would be said; else standard input.")] = None,
    /,
    *,
    language: Annotated[str, Parameter(help="BCP 47 tag of the text.")] = "en",
    json: Annotated[bool, Parameter(help="Print JSON, with the offsets of each segment in the text.")] = False,
) -> int:
    """Show what will be said, without saying it: the segments, how each is spoken, and where it stands in the text."""
    from syrinx.config import read_settings
    from syrinx.text.front import plan

    settings = read_settings(os.environ)
    given = sys.stdin.read(settings.max_text_chars + 1) if written is None else written
    if len(given) > settings.max_text_chars:
        raise TextTooLong(settings.max_text_chars, len(given))
    rows: list[dict[str, Any]] = [
        {
            "segment": prepared.index,
            "start": prepared.span.start,
            "end": prepared.span.end,
            "text": prepared.text,
            "spoken": prepared.spoken.text,
        }
        for prepared in plan(given, language, segment_policy(settings))
    ]
    if not rows:
        raise EmptyText("There is nothing in it that can be said.")
    if json:
        print_json(rows)
    else:
        cells = [(str(row["segment"]), f"{row['start']}-{row['end']}", " ".join(row["spoken"].split())) for row in rows]
        print_table(("SEGMENT", "OFFSETS", "SPOKEN"), cells)
    return 0


def segment_policy(settings: Settings) -> SegmentPolicy:
    """The cuts that a server with these settings makes."""
    from syrinx.text.segmenter import SegmentPolicy

    return SegmentPolicy(
        first_max_words=settings.first_segment_max_words,
        first_boundaries=settings.first_segment_boundaries,
        first_require_boundary=settings.first_segment_require_boundary,
    )
