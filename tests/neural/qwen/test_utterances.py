"""An utterance of several segments keeps the voice that the model chose for the first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from syrinx.models.qwen import request
from syrinx.models.qwen.line import Line
from syrinx.models.qwen.openings import Opening
from syrinx.models.qwen.speech import Speaking

from .rig import ROW, ROWS, Rig, loaded, recording

ONE, TWO = "It is late,", "and the boats are out."
GREEDY = {"temperature": 0.0, "repetition_penalty": 1.0}
TOLERANCE = 2e-4
"""As in ``test_seams``."""


@pytest.fixture(scope="module", params=["base", "voice_design"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with loaded(request.param, "1b7") as made:
        yield made


def said(rig: Rig, text: str, opening: Opening | None, **wishes: float) -> tuple[np.ndarray, np.ndarray]:
    """The codes and the sound of a line behind an opening, without the backend."""
    speaking: Speaking = rig.voice.speak(Line(text, "english"), request.read(wishes), 7, lambda: opening)
    chunks, done = [], False
    while not done:
        sound, done = speaking.step()
        chunks += [] if sound is None else [sound]
    codes = speaking.codes
    speaking.close()
    return codes, np.concatenate(chunks)


@pytest.mark.parametrize("known", [2, 10, ROWS - 1])
def test_speech_behind_an_opening_is_what_it_would_be_in_one_piece(rig: Rig, known: int) -> None:
    """Asked for both texts and having made those frames, the model stands where we put it: the same codes follow."""
    codes, sound = said(rig, f"{ONE} {TWO}", None, **GREEDY)
    after, heard = said(rig, TWO, Opening(ONE, codes[:known]), **GREEDY)
    rest = ROWS - known
    assert len(codes) == len(after) == ROWS and np.array_equal(after[:rest], codes[known:])
    assert np.abs(heard[: rest * ROW] - sound[known * ROW :]).max() <= TOLERANCE * np.abs(sound).max()


def segments(rig: Rig, *texts: str, utterance: str = "u", **changes: Any) -> list[np.ndarray]:
    """Segments of an utterance as the server has them spoken: opened ahead, and stepped one after another."""
    jobs = [
        replace(
            rig.job(f"{utterance}.{n}", text, seed=None, **changes),
            utterance_id=utterance,
            segment_index=n,
            is_last=n == len(texts) - 1,
        )
        for n, text in enumerate(texts)
    ]
    for job in jobs:
        rig.steps.open(job)
    sounds: list[np.ndarray] = []
    for job in jobs:
        chunks, done = [], False
        while not done:
            (result,) = rig.steps.step([job.job_id])
            chunks += [] if result.chunk is None else [result.chunk.samples]
            done = result.done
        rig.steps.close(job.job_id)
        sounds.append(np.concatenate(chunks))
    return sounds


def test_later_segments_of_an_utterance_go_on_from_its_first(rig: Rig) -> None:
    codes, first = said(rig, ONE, None, **GREEDY)
    _, second = said(rig, TWO, Opening(ONE, codes), **GREEDY)
    _, alone = said(rig, TWO, None, **GREEDY)
    assert not np.array_equal(second, alone)
    one, two, three = segments(rig, ONE, TWO, TWO, options=GREEDY)
    assert np.array_equal(one, first) and np.array_equal(two, second)
    assert not np.array_equal(three, alone), "it goes on from both"
    other, *_ = segments(rig, TWO, ONE, utterance="other", options=GREEDY)
    assert np.array_equal(other, alone), "another utterance chooses anew"
    assert all(np.array_equal(a, b) for a, b in zip((one, two), segments(rig, ONE, TWO, options=GREEDY), strict=True))
    assert not rig.info.repeatable, "a worker that is started again knows of no opening"


def test_clones_have_a_voice_already(rig: Rig, tmp_path: Path) -> None:
    if not rig.info.clones:
        return
    for transcript in ("", "some words"):
        prompt = rig.clone(tmp_path, recording(text=transcript))
        _, two = segments(rig, ONE, TWO, voice="mine", prompt=prompt)
        (alone,) = segments(rig, TWO, voice="mine", prompt=prompt)
        assert np.array_equal(two, alone)


def test_speakers_have_a_voice_already() -> None:
    with loaded() as rig:
        _, two = segments(rig, ONE, TWO)
        (alone,) = segments(rig, TWO)
        assert np.array_equal(two, alone) and rig.info.repeatable
