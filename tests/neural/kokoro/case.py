from __future__ import annotations

from tests.conformance.case import Case

from .small import small_backend

CASES = (Case("kokoro", small_backend, random_weights=True),)
