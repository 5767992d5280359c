"""What a measure returns and how much effort it may spend. Plain data, and the table made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MISSED = 3
"""Exit status of a model's bench that ran to its end and missed a figure; 1 is that of one that failed."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table. All texts carry their units."""

    what: str
    reach: str
    """What is asked for."""
    measured: str
    yardstick: str
    """What the same machine gave in the same run without Syrinx, or what is ideal."""
    ok: bool


@dataclass(frozen=True, slots=True)
class Effort:
    """How long a measure may take."""

    quick: bool
    """Few repetitions: shows that the measure works; its figures are rough."""
    folder: Path
    """An empty folder for data and logs of servers."""

    def pick(self, full: int, quick: int) -> int:
        return quick if self.quick else full


def table(figures: Sequence[Figure]) -> str:
    """The figures as a Markdown table with aligned columns."""
    head = ("what", "reach", "measured", "yardstick, same run", "ok")
    rows = [(f.what, f.reach, f.measured, f.yardstick, "yes" if f.ok else "NO") for f in figures]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [_line(head, widths), "|" + "|".join("-" * (width + 2) for width in widths) + "|"]
    return "\n".join(lines + [_line(row, widths) for row in rows])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"
