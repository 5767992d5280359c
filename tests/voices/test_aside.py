"""Recordings are opened by a process of their own: what it finds, and what becomes of a file that kills it."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from syrinx.core.errors import InvalidRequest
from syrinx.voices import aside
from syrinx.voices.aside import check_aside
from syrinx.voices.reference import check_reference
from tests.fakes.speech import recording, speech


@pytest.mark.parametrize("normalize", [True, False])
async def test_it_finds_what_is_found_here(normalize: bool) -> None:
    data = recording(speech(peak_db=-20))
    here, there = check_reference(data, normalize=normalize), await check_aside(data, normalize=normalize)
    assert (there.sample_rate, there.seconds) == (here.sample_rate, here.seconds)
    assert np.array_equal(there.samples, here.samples)


async def test_a_refusal_comes_with_its_reason() -> None:
    with pytest.raises(InvalidRequest, match="too quiet") as caught:
        await check_aside(recording(speech(peak_db=-60)))
    assert caught.value.code == "audio_too_quiet"


@pytest.mark.parametrize(
    ("does", "message"),
    [("import os; os.abort()", "crashed"), ("import time; time.sleep(60)", "could not be read in 0.5 s")],
)
async def test_a_file_that_takes_its_reader_along_is_refused(
    monkeypatch: pytest.MonkeyPatch, does: str, message: str
) -> None:
    monkeypatch.setattr(aside, "command", lambda normalize: (sys.executable, "-c", does))
    with pytest.raises(InvalidRequest, match=message) as caught:
        await check_aside(b"x" * 3_000_000, timeout_s=0.5 if "0.5" in message else 30.0)
    assert caught.value.code == "bad_audio"
