"""``syrinx voices``: what can be chosen; the commands below it make and keep cloned ones (``cloning``)."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from .table import print_json, print_table

if TYPE_CHECKING:
    from syrinx.config import Settings
    from syrinx.models.base import ModelInfo
    from syrinx.workers.host import ModelHost

voices = App(name="voices", help="List the voices that can be chosen; clone, export, import and delete voices.")
for _name, _line in (
    ("clone", "Make a voice of a recording."),
    ("export", "Write a cloned voice to a zip file, its recording included."),
    ("import", "Keep an exported voice, under a new id."),
    ("delete", "Remove a cloned voice with its recording, for good."),
):
    voices.command(f"syrinx.cli.cloning:{_name}_voice", name=_name, help=_line)


@voices.default
def list_voices(
    *,
    model: Annotated[
        str | None, Parameter(help="Only of this model; otherwise of the one 'auto' chooses, and all cloned ones.")
    ] = None,
    language: Annotated[str | None, Parameter(help="Only those that speak it, e.g. en or pt-BR.")] = None,
    variants: Annotated[
        bool, Parameter(negative="", help="List what can be added to any voice instead, e.g. +f3 to get de+f3.")
    ] = False,
    json: Annotated[bool, Parameter(help="Print JSON.")] = False,
    data_dir: Annotated[Path | None, Parameter(help="The data folder (.data).")] = None,
) -> int:
    """List the voices of a model, and the cloned ones."""
    from syrinx.config import read_settings
    from syrinx.wiring import installed_here

    settings = read_settings(os.environ, {"data_dir": data_dir})
    name = (
        model
        or next((name for name in settings.models if name != "auto"), None)
        or installed_here(settings).choose_auto()[0]
    )
    info = _info(name, settings)
    if variants:
        rows = [_row(name, variant.suffix, variant.name, (), variant.gender) for variant in info.voice_variants]
    else:
        rows = [_row(name, v.id, v.name, v.languages, v.gender) for v in info.voices]
        rows += _cloned(settings, model)
        rows = [row for row in rows if language is None or speaks(tuple(row["languages"]), language)]
    if json:
        print_json(rows)
    else:
        print_table(("VOICE", "NAME", "LANGUAGES", "GENDER"), [_cells(row) for row in rows])
    return 0


def _info(name: str, settings: Settings) -> ModelInfo:
    """What the model says about itself once it is loaded: here, or where its libraries are."""
    from syrinx.models.registry import create
    from syrinx.wiring import Parts, installed_here

    installed = installed_here(settings)
    if installed.find(name).environment:
        return asyncio.run(_loaded(Parts(settings, installed).host(name)))
    backend = create(name, settings.model_options.get(name, {}))
    info = backend.load()
    backend.unload()
    return info


async def _loaded(host: ModelHost) -> ModelInfo:
    try:
        await host.start()
        assert host.info is not None, "it is loaded"
        return host.info
    finally:
        await host.stop()


def speaks(tags: tuple[str, ...], wanted: str) -> bool:
    """Whether one of the BCP 47 ``tags`` is ``wanted`` or narrower: ``en`` takes ``en-GB``, not the other way round."""
    wanted = wanted.lower().replace("_", "-")
    return any((tag.lower() + "-").startswith(wanted + "-") for tag in tags)


def _row(
    model: str, voice: str, name: str, languages: tuple[str, ...], gender: str, cloned: bool = False
) -> dict[str, Any]:
    return {
        "id": voice,
        "name": name,
        "languages": list(languages),
        "gender": gender,
        "model": model,
        "cloned": cloned,
    }


def _cloned(settings: Settings, model: str | None) -> list[dict[str, Any]]:
    from syrinx.voices.store import VoiceStore

    stored = [voice for voice in VoiceStore(settings.data_dir / "voices").all() if model in (None, voice.model)]
    return [
        {
            **_row(v.model, v.voice_id, v.draft.name, (v.draft.language,) if v.draft.language else (), "", True),
            "alias": v.draft.alias,
        }
        for v in stored
    ]


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    name = f"{row['name']} (cloned, {row['model']})" if row["cloned"] else row["name"]
    return row.get("alias") or row["id"], name, " ".join(row["languages"]), row["gender"]
