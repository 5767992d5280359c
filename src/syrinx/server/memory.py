"""How the C library keeps memory that is free, where that can be told (glibc)."""

from __future__ import annotations

import contextlib
import ctypes

M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
"""Parameters of ``mallopt(3)``, from glibc's ``malloc.h``."""
LARGE_BYTES = 128 * 1024
"""A third of a second of speech at 24 kHz. glibc begins with this, but raises it to the largest block ever freed. Then
second-long pieces of audio share pages with small things that live on, and the process stays as large as its busiest
moment (12 mixed clients: 240 MB instead of 195, and growing)."""


def return_large_blocks() -> None:
    """Give blocks from ``LARGE_BYTES`` on back to the system when they are freed. Elsewhere than on glibc: nothing."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        tune = ctypes.CDLL(None).mallopt
        tune(M_MMAP_THRESHOLD, LARGE_BYTES)
        tune(M_TRIM_THRESHOLD, LARGE_BYTES)
