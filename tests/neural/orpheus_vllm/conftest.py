"""Ends the engine that the tests share, while what it says can still be written."""

from __future__ import annotations

import sys


def pytest_sessionfinish() -> None:
    case = sys.modules.get("tests.neural.orpheus_vllm.case")
    if case is not None:
        case.ENGINE.unload()
