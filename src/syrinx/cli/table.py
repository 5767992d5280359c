"""Printing for people and for programs: aligned columns, or JSON."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from typing import Any

GAP = "  "


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their heads, every column as wide as its widest cell but the last, which is not padded."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(map(width, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [cell + " " * (wide - width(cell)) for cell, wide in zip(line[:-1], widths, strict=False)]
        print(GAP.join([*cells, line[-1]]).rstrip())


def print_json(value: Any) -> None:
    """Print one JSON document, readable and with every script as itself."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def width(text: str) -> int:
    """Columns that ``text`` takes on a terminal (wide East Asian signs take two, combining ones none)."""
    return sum(_columns(sign) for sign in text)


def _columns(sign: str) -> int:
    if unicodedata.combining(sign):
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1
