"""Writes tiny weights of each model of an environment and what a server must be told of them. Runs in that environment
(a model's name, or that of an environment whose ``weights.py`` says its ``MODEL``):

python -m tests.neural.e2e.prepare FOLDER MODEL...
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any


def options_of(model: str, folder: Path) -> tuple[str, dict[str, Any]] | None:
    """Build a model's weights and return its name and the options to serve it with; None where its sizes cannot be made
    small by files alone.

    ``weights.py`` may have ``SERVED``: further options, or None for that.
    """
    weights = importlib.import_module(f"tests.neural.{model.replace('-', '_')}.weights")
    served: dict[str, Any] | None = getattr(weights, "SERVED", {})
    if served is None:
        return None
    weights.build(folder)
    return getattr(weights, "MODEL", model), {**served, "weights": str(folder)}


def main(folder: Path, models: list[str]) -> None:
    """Writes ``options.json``."""
    made = [options_of(model, folder / model) for model in models]
    told = dict(each for each in made if each is not None)
    (folder / "options.json").write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
