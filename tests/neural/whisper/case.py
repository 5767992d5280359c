"""Whisper is no model that speaks: the suite of backends has nothing to try in its environment."""

from __future__ import annotations

from tests.conformance.case import Case

CASES: tuple[Case, ...] = ()
