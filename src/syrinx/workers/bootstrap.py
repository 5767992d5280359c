"""Runs a worker in a model's own environment, which has no Syrinx: it takes the server's, and nothing else of it.

Started as a file by ``launch``. Only this package becomes importable, so that no library of the server's environment is
ever mixed with the model's.
"""

from __future__ import annotations

import importlib.util
import runpy
import sys
from pathlib import Path


def adopt(package: Path) -> None:
    """Make the package in that folder importable by its own name."""
    spec = importlib.util.spec_from_file_location(
        package.name, package / "__init__.py", submodule_search_locations=[str(package)]
    )
    assert spec is not None and spec.loader is not None, "a package has an __init__.py"
    module = importlib.util.module_from_spec(spec)
    sys.modules[package.name] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    adopt(Path(__file__).resolve().parent.parent)
    try:
        runpy.run_module("syrinx.workers", run_name="__main__", alter_sys=True)
    except ImportError as lost:  # a model's own imports fail in its load, which tells more
        sys.exit(f"The environment is not whole: {lost}. Build it anew: syrinx models install MODEL --rebuild")
