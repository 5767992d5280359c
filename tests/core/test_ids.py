"""Identifiers."""

from __future__ import annotations

import re

from syrinx.core.ids import new_id


def test_an_id_tells_its_kind_and_carries_64_bits() -> None:
    assert re.fullmatch(r"utt_[0-9a-f]{16}", new_id("utt"))


def test_ids_do_not_repeat() -> None:
    assert len({new_id("job") for _ in range(1000)}) == 1000
