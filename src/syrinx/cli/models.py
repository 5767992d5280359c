"""``syrinx models``."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from .table import print_json, print_table


def models(*, json: Annotated[bool, Parameter(help="Print JSON.")] = False) -> int:
    """List every model Syrinx knows, its licence, and whether it can run here or what it needs."""
    rows = describe_models()
    if json:
        print_json(rows)
    else:
        cells = [(row["name"], row["title"], row["licence"], "ready" if row["ready"] else row["needs"]) for row in rows]
        print_table(("MODEL", "TITLE", "LICENCE", "STATE"), cells)
    return 0


def describe_models() -> list[dict[str, Any]]:
    """One entry a model: ``name``, ``title``, ``summary``, ``licence``, ``ready`` and, where not, ``needs``."""
    from syrinx.models.registry import MODELS, missing

    lacking = {name: missing(entry) for name, entry in MODELS.items()}
    return [
        {
            "name": entry.name,
            "title": entry.title,
            "summary": entry.summary,
            "licence": entry.licence,
            "ready": lacking[entry.name] is None,
            "needs": lacking[entry.name] or "",
        }
        for entry in MODELS.values()
    ]
