"""``syrinx models convert-presets``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from syrinx.core.errors import InvalidRequest, ModelNotReady

from .folder import settings_of

if TYPE_CHECKING:
    from syrinx.models.installed import Installed
    from syrinx.models.registry import ModelEntry


def convert_presets(
    name: Annotated[str, Parameter(help="The model, which is installed (syrinx models list).")],
    source: Annotated[Path, Parameter(help="Folder of its published voices (*.pt), or one of them.")],
    /,
    *,
    data_dir: Annotated[Path | None, Parameter(help="The data folder (.data).")] = None,
    config: Annotated[Path | None, Parameter(help="TOML file of settings (docs/settings.md).")] = None,
) -> int:
    """Make voices of published pickles, each read once in a process that can do nothing else."""
    from syrinx.models.presets import convert, pickles_in
    from syrinx.wiring import installed_here

    settings = settings_of(data_dir, config)
    installed = installed_here(settings)
    entry = installed.find(name)
    converter = entry.converter()
    pickles = pickles_in(source)
    weights = _weights(entry, installed, settings.model_options.get(name, {}))
    refused = 0
    for path in pickles:
        try:
            made = convert(path, weights, Path(installed.python(entry)), converter)
        except InvalidRequest as error:
            refused += 1
            print(f"{path}: {error}", file=sys.stderr)
        else:
            print(f"{path.stem}: {made}", flush=True)
    return 1 if refused else 0


def _weights(entry: ModelEntry, installed: Installed, options: dict[str, object]) -> Path:
    """The folder of its weights. Raises ``ModelNotReady`` where those or its environment are not here."""
    why = installed.environments.lacking(installed.specs[entry.environment])
    folder = Path(installed.weights(entry, options))
    if why is None and not folder.is_dir():
        why = f"needs its weights ({folder}), which are not on this machine"
    if why is not None:
        raise ModelNotReady(f"The model {entry.name} {why}: syrinx models install {entry.name}")
    return folder
