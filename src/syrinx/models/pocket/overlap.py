"""Two computations side by side on one CPU, each with half of torch's threads.

One row of a small network does not fill two cores: its many small operations cost more to divide than to compute. So
the codec makes the sound of one frame while the language model is at the next, as pocket-tts does with its own threads.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

T = TypeVar("T")


class Overlap:
    """A second thread for torch. ``close`` ends it."""

    def __init__(self, threads: int) -> None:
        """``threads``: all that torch has here, at least 2."""
        self._threads = threads
        self._beside = threads // 2
        self._pool = ThreadPoolExecutor(1, "pocket-codec")

    def run(self, beside: Callable[[], T], here: Callable[[], None]) -> T:
        """Do both at once, in inference mode; returns what ``beside`` gives. Raises what either raises, after both."""
        torch.set_num_threads(self._threads - self._beside)  # of this thread: OpenMP counts them for each caller
        try:
            future = self._pool.submit(self._run_beside, beside)
            try:
                here()
            finally:
                result = future.result()
            return result
        finally:
            torch.set_num_threads(self._threads)

    def _run_beside(self, work: Callable[[], T]) -> T:
        torch.set_num_threads(self._beside)
        with torch.inference_mode():
            return work()

    def close(self) -> None:
        self._pool.shutdown()
