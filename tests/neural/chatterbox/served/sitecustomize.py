"""Has a worker of a served test load tiny weights: Python runs this as it starts, for this folder is on its path.

Chatterbox has its sizes in its code, so files alone cannot make it small. As soon as the library is imported its tables
are made small, by what the other tests use. In an interpreter without Chatterbox, as the server's, nothing happens.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType

WEIGHTS = Path(__file__).resolve().parent.parent / "weights.py"
LIBRARY = "chatterbox"


class Shrinking(SourceFileLoader):
    """Imports the library, and then ``weights.shrink`` has it."""

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        spec = importlib.util.spec_from_file_location("chatterbox_tiny", WEIGHTS)
        assert spec is not None and spec.loader is not None, "it is beside this folder"
        weights = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(weights)
        weights.shrink()


class Finder:
    """Finds the library as it would be found, with that loader."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        found = PathFinder.find_spec(name, path, target) if name == LIBRARY else None
        if found is not None and found.origin is not None:
            found.loader = Shrinking(name, found.origin)
        return found


sys.meta_path.insert(0, Finder)  # type: ignore[arg-type]
