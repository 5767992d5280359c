"""``syrinx voices``."""

from __future__ import annotations

import os
from typing import Annotated, Any

from cyclopts import Parameter

from .table import print_json, print_table


def voices(
    *,
    model: Annotated[str | None, Parameter(help="Only of this model; otherwise of the one 'auto' chooses.")] = None,
    language: Annotated[str | None, Parameter(help="Only those that speak it, e.g. en or pt-BR.")] = None,
    variants: Annotated[
        bool, Parameter(negative="", help="List what can be added to any voice instead, e.g. +f3 to get de+f3.")
    ] = False,
    json: Annotated[bool, Parameter(help="Print JSON.")] = False,
) -> int:
    """List the voices of a model."""
    from syrinx.config import read_settings
    from syrinx.models.registry import choose_auto, create

    settings = read_settings(os.environ)
    name = model or next((name for name in settings.models if name != "auto"), None) or choose_auto()[0]
    backend = create(name, settings.model_options.get(name, {}))
    info = backend.load()
    try:
        rows = [
            {
                "id": voice.id,
                "name": voice.name,
                "languages": list(voice.languages),
                "gender": voice.gender,
                "model": name,
            }
            for voice in info.voices
            if language is None or speaks(voice.languages, language)
        ]
    finally:
        backend.unload()
    if variants:
        rows = [
            {"id": v.suffix, "name": v.name, "languages": [], "gender": v.gender, "model": name}
            for v in info.voice_variants
        ]
    if json:
        print_json(rows)
    else:
        print_table(("VOICE", "NAME", "LANGUAGES", "GENDER"), [_cells(row) for row in rows])
    return 0


def speaks(tags: tuple[str, ...], wanted: str) -> bool:
    """Whether one of the BCP 47 ``tags`` is ``wanted`` or narrower: ``en`` takes ``en-GB``, not the other way round."""
    wanted = wanted.lower().replace("_", "-")
    return any((tag.lower() + "-").startswith(wanted + "-") for tag in tags)


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return row["id"], row["name"], " ".join(row["languages"]), row["gender"]
