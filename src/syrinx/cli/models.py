"""``syrinx models``: what there is and what it needs; the commands below it install, choose and remove."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from .table import print_json, print_table

if TYPE_CHECKING:
    from syrinx.config import Settings
    from syrinx.models.installed import Installed
    from syrinx.models.registry import ModelEntry

models = App(name="models", help="List the models and what each one needs; install, choose and remove models.")
for _name, _place, _line in (
    ("install", "model_install:install_model", "Build a model's environment and fetch its weights."),
    (
        "convert-presets",
        "model_presets:convert_presets",
        "Make a model's voices of those that it publishes as pickles.",
    ),
    ("use", "model_use:use_model", "Make a model the one that a running server speaks with."),
    ("try", "model_try:try_model", "Speak a sentence and note how fast this machine is with the model."),
    ("remove", "model_remove:remove_model", "Remove a model's environment, and its weights if asked to."),
):
    models.command(f"syrinx.cli.{_place}", name=_name, help=_line)

LANGUAGES_SHOWN = 4


@models.default
@models.command(name="list")
def list_models(
    *,
    json: Annotated[bool, Parameter(help="Print JSON.")] = False,
    data_dir: Annotated[Path | None, Parameter(help="The data folder (.data).")] = None,
    config: Annotated[Path | None, Parameter(help="TOML file of settings (docs/settings.md).")] = None,
) -> int:
    """List every model Syrinx knows, its licence, and whether it can run here or what it needs."""
    from syrinx.config import read_settings

    rows = describe_models(read_settings(os.environ, {"data_dir": data_dir}, config))
    if json:
        print_json(rows)
    else:
        print_table(
            ("MODEL", "SIZE", "LANGUAGES", "LICENCE", "RUNS ON", "SPEED", "STATE"), [_cells(row) for row in rows]
        )
    return 0


def describe_models(settings: Settings) -> list[dict[str, Any]]:
    """One entry a model, then one for each of what helps models (``kind`` ``aid``).

    ``kind``, ``name``, ``title``, ``summary``, ``licence``, ``languages``, ``clones``, ``ready`` and, where not,
    ``needs``; ``environment`` (empty: the server's own), ``device``, ``weights``, ``speed`` where it was tried.
    """
    from syrinx.models.trial import Trials
    from syrinx.wiring import installed_here

    installed, trials = installed_here(settings), Trials(settings.data_dir).read()
    rows: list[dict[str, Any]] = []
    for plain in (*installed.models.values(), *installed.aids.values()):
        options = settings.model_options.get(plain.name, {})
        entry = plain.under(options)
        needs = installed.lacking(entry, options)
        trial = trials.get(entry.name) if needs is None else None
        rows.append(
            {
                "kind": "aid" if entry.name in installed.aids else "model",
                "name": entry.name,
                "title": entry.title,
                "summary": entry.summary,
                "licence": entry.licence,
                "languages": list(entry.languages),
                "clones": entry.clones,
                "environment": entry.environment,
                "device": installed.device(entry, options),
                "weights": _weights(entry, installed),
                "speed": None
                if trial is None
                else {"x_realtime": trial.x_realtime, "first_audio_s": trial.first_audio_s},
                "ready": needs is None,
                "needs": needs or "",
            }
        )
    return rows


def _weights(entry: ModelEntry, installed: Installed) -> list[dict[str, Any]]:
    return [
        {
            "repo": each.repo,
            "size_bytes": each.size_bytes + sum(part.size_bytes for part in each.parts),
            "licence": each.licence,
            "note": each.note,
            "here": installed.has(each),
        }
        for each in entry.weights
    ]


def size_of(size_bytes: int) -> str:
    """A size for people."""
    for unit, bytes_in in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size_bytes >= bytes_in:
            return f"{size_bytes / bytes_in:.3g} {unit}"
    return f"{size_bytes} bytes"


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    weights, tags, speed = row["weights"], row["languages"], row["speed"]
    languages = " ".join(tags[:LANGUAGES_SHOWN]) + (
        f" +{len(tags) - LANGUAGES_SHOWN}" if len(tags) > LANGUAGES_SHOWN else ""
    )
    return (
        row["name"],
        size_of(weights[0]["size_bytes"]) if weights else "",
        languages,
        row["licence"],
        row["device"],
        f"{speed['x_realtime']:.1f}x" if speed else "",
        "ready" if row["ready"] else row["needs"].removeprefix(f"The model {row['name']} "),
    )
