"""Threads that a model's library begins, tells to end, and does not wait for."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager

LONGEST_S = 30.0
"""They have nothing left to do, so this is for a machine that has no time for them."""


@contextmanager
def threads_ended() -> Generator[None]:
    """Wait for the threads that began inside, those that say they may be left behind (daemons) apart.

    transformers reads weights on four threads and ends with ``shutdown(wait=False)`` (``core_model_loading.py``,
    5.20 to 5.23): on a busy machine they are there for some time after a model was loaded, and even unloaded.
    """
    before = set(threading.enumerate())
    try:
        yield
    finally:
        for thread in set(threading.enumerate()) - before:
            if not thread.daemon:
                thread.join(LONGEST_S)
