"""What the decoder's stages leave out is what nothing kept depends on."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch

from syrinx.models.orpheus.checkpoint import Remedy, load_codec
from syrinx.models.orpheus.codec import Codec
from syrinx.models.orpheus.frames import SAMPLES_PER_FRAME, SLOTS
from syrinx.models.orpheus.speech import Piece
from syrinx.models.orpheus.windows import EXACT_CONTEXT

from .case import tiny

EXACT = 2e-6
"""Largest difference of a sample, of peaks near 1."""


@pytest.fixture(scope="module")
def codec() -> Codec:
    torch.set_num_threads(1)
    return load_codec(tiny() / "snac_24khz", torch.device("cpu"), Remedy("orpheus"))


def window(count: int) -> tuple[tuple[int, ...], ...]:
    codes = np.random.default_rng(3).integers(0, 4096, (count, SLOTS))
    return tuple(tuple(int(code) for code in frame) for frame in codes)


def test_any_part_of_a_window_is_what_the_whole_window_has_there(codec: Codec) -> None:
    frames = window(10)
    (whole,) = codec.decode([Piece(frames, 4, 0, 10, 9)])
    for skip, keep in product(range(10), (1, 2, 4)):
        if skip + keep <= 10:
            (part,) = codec.decode([Piece(frames, 4, skip, keep, 9)])
            wanted = whole[skip * SAMPLES_PER_FRAME : (skip + keep) * SAMPLES_PER_FRAME]
            np.testing.assert_allclose(part, wanted, atol=EXACT, rtol=0, err_msg=f"{keep} after {skip}")


def test_a_stage_that_left_its_own_reach_out_would_be_heard(codec: Codec, monkeypatch: pytest.MonkeyPatch) -> None:
    piece = Piece(window(10), 0, 4, 2, 9)
    (wanted,) = codec.decode([piece])
    tried = 0
    for place, stage in enumerate(codec._stages[:-1]):
        passed_on = -(-codec._stages[place + 1].margin // stage.stride)
        if passed_on == stage.margin:
            continue
        stages = list(codec._stages)
        stages[place] = replace(stage, margin=passed_on)
        with monkeypatch.context() as patch:
            patch.setattr(codec, "_stages", stages)
            (spoiled,) = codec.decode([piece])
        assert np.abs(spoiled - wanted).max() > EXACT, f"stage {place} needs less"
        tried += 1
    assert tried == 6, "a convolution, four blocks, a convolution"


def test_the_context_of_windows_is_what_the_first_stage_reaches(codec: Codec) -> None:
    first = codec._stages[0]
    assert (EXACT_CONTEXT - 1) * first.frame < first.margin <= EXACT_CONTEXT * first.frame


def test_the_stages_that_cost_the_most_read_little_more_than_what_is_kept(
    codec: Codec, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []

    def watched(layer: Any) -> Any:
        def run(sound: Any) -> Any:
            read.append(sound.shape[-1])
            return layer(sound)

        return run

    monkeypatch.setattr(codec, "_stages", [replace(stage, layer=watched(stage.layer)) for stage in codec._stages])
    codec.decode([Piece(window(10), 0, 3, 4, 9)])
    frames = [count / stage.frame for count, stage in zip(read, codec._stages, strict=True)]
    assert frames[0] > 8
    assert all(count < 4.6 for count in frames[3:]), f"frames read by stage: {frames}"
