"""One at a time: a lock in a file, which the system takes back however its holder ends."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from syrinx.core.errors import ModelNotReady
from syrinx.core.locks import try_lock


@contextmanager
def only_one(path: Path, doing: str) -> Generator[None, None, None]:
    """Hold the lock of that file. Raises ``ModelNotReady`` at once, with what is being done, where another holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not try_lock(file):
            raise ModelNotReady(f"Another process is {doing} ({path}): wait until it has ended.")
        yield
    finally:
        os.close(file)  # lets go of the lock
