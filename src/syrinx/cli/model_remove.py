"""``syrinx models remove``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from .cloning import agreed
from .folder import settings_of

if TYPE_CHECKING:
    from syrinx.models.installed import Installed
    from syrinx.models.registry import ModelEntry


def remove_model(
    name: Annotated[str, Parameter(help="The model.")],
    /,
    *,
    weights: Annotated[bool, Parameter(help="Its weights too, which must then be fetched again.")] = False,
    yes: Annotated[bool, Parameter(help="Do not ask.")] = False,
    data_dir: Annotated[Path | None, Parameter(help="The data folder (.data).")] = None,
    config: Annotated[Path | None, Parameter(help="TOML file of settings (docs/settings.md).")] = None,
) -> int:
    """Remove a model's environment, and its weights if asked to. Says what goes and asks first."""
    from syrinx.models.install import remove
    from syrinx.models.local_weights import discard
    from syrinx.wiring import installed_here

    settings = settings_of(data_dir, config)
    installed = installed_here(settings)
    entry = installed.find_any(name).under(settings.model_options.get(name, {}))
    environment = _environment(entry, installed)
    folders = _weights(entry, installed) if weights else []
    if environment is None and not folders:
        print(f"There is nothing of {name} to remove.")
        return 0
    for place in ([environment] if environment else []) + folders:
        print(place)
    others = [each.name for each in _sharing(entry, installed)]
    if environment is not None and others:
        print(f"The environment is that of {', '.join(others)} too.")
    if not yes and not agreed():
        print("Nothing was removed.")
        return 1
    if environment is not None:
        remove(entry.environment, installed.environments)
    for folder in folders:
        discard(folder)
    print("Removed.")
    return 0


def _environment(entry: ModelEntry, installed: Installed) -> Path | None:
    place = installed.environments.place(entry.environment)
    return place if entry.environment and place.exists() else None


def _sharing(entry: ModelEntry, installed: Installed) -> list[ModelEntry]:
    """Other models that run in the same environment."""
    others = [each for each in installed.models.values() if each.name != entry.name]
    return [each for each in others if entry.environment in {form.environment for form in each.forms()} - {""}]


def _weights(entry: ModelEntry, installed: Installed) -> list[Path]:
    """The folders of its checkpoints and their parts that no other model is loaded from."""
    others = [each for each in installed.models.values() if each.name != entry.name]
    kept = {part.repo for each in others for one in each.weights if installed.has(one) for part in (one, *one.parts)}
    ours = {part.repo for one in entry.weights for part in (one, *one.parts)}
    places = [installed.places.model(repo) for repo in sorted(ours - kept)]
    return [place for place in places if place.exists()]
