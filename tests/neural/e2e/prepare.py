"""Writes tiny weights of each model of an environment and what a server must be told of them. Runs in that environment:

python -m tests.neural.e2e.prepare FOLDER MODEL...
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any


def options_of(model: str, folder: Path) -> dict[str, Any] | None:
    """Build a model's weights and return the options to serve it with; None where its sizes cannot be made small by
    files alone.

    ``weights.py`` may have ``SERVED``: further options, or None for that.
    """
    weights = importlib.import_module(f"tests.neural.{model.replace('-', '_')}.weights")
    served: dict[str, Any] | None = getattr(weights, "SERVED", {})
    if served is None:
        return None
    weights.build(folder)
    return {**served, "weights": str(folder)}


def main(folder: Path, models: list[str]) -> None:
    """Writes ``options.json``."""
    told: dict[str, Any] = {}
    for model in models:
        options = options_of(model, folder / model)
        if options is not None:
            told[model] = options
    (folder / "options.json").write_text(json.dumps(told), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
