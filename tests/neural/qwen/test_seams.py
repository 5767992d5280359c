"""Sound made in pieces is the sound of one decode: at every edge, of any size, however long it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import accumulate

import numpy as np
import pytest
import torch

from syrinx.models.qwen.codec import Window

from .rig import ROW, Rig, loaded

TOLERANCE = 2e-4
"""Of streamed samples against one decode of all, as a share of the loudest: what rounding leaves."""
FRAMES = 60
"""Three times what a layer of the tiny codec's transformer looks back on, five times what its convolutions do."""


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    with loaded() as made:
        yield made


def frames(rig: Rig, seed: int) -> torch.Tensor:
    shape = (FRAMES, rig.voice.shape.groups)
    return torch.randint(0, rig.voice.shape.codes, shape, generator=torch.manual_seed(seed))


def at_once(rig: Rig, rows: torch.Tensor) -> np.ndarray:
    with torch.inference_mode():
        return rig.voice._codec.model.decoder(rows.T.unsqueeze(0))[0, 0].numpy()


def in_pieces(
    rig: Rig, rows: torch.Tensor, ramp: tuple[int, int], before: torch.Tensor | None = None
) -> list[np.ndarray]:
    window = Window(rig.voice._codec, before, ramp)
    return [chunk for chunk in (*map(window.push, rows), window.flush()) if chunk is not None]


@pytest.mark.parametrize("ramp", [(1, 1), (2, 24), (25, 25), (FRAMES, FRAMES), (300, 300)])
def test_no_seam_is_heard_at_any_edge(rig: Rig, ramp: tuple[int, int]) -> None:
    rows = frames(rig, 1)
    whole, chunks = at_once(rig, rows), in_pieces(rig, rows, ramp)
    streamed = np.concatenate(chunks)
    assert streamed.shape == whole.shape == (FRAMES * ROW,)
    assert len(chunks[0]) == min(ramp[0], FRAMES) * ROW
    limit = TOLERANCE * np.abs(whole).max()
    for edge in accumulate(map(len, chunks[:-1])):
        near = slice(max(0, edge - 240), edge + 240)
        assert np.abs(streamed[near] - whole[near]).max() <= limit, edge
    assert np.abs(streamed - whole).max() <= limit


@pytest.mark.parametrize("known", [1, 10, 40])
def test_speech_that_goes_on_from_a_recording_has_no_seam_with_it(rig: Rig, known: int) -> None:
    rows = frames(rig, 2)
    whole = at_once(rig, rows)
    streamed = np.concatenate(in_pieces(rig, rows[known:], (2, 24), before=rows[:known]))
    assert np.abs(streamed - whole[known * ROW :]).max() <= TOLERANCE * np.abs(whole).max()


def test_it_is_the_librarys_own_decode(rig: Rig) -> None:
    rows = frames(rig, 3)
    (theirs,), rate = rig.voice._codec.decode({"audio_codes": rows.unsqueeze(0)})
    ours = np.concatenate(in_pieces(rig, rows, (2, 24)))
    assert rate == rig.info.sample_rate and np.abs(ours - theirs).max() <= TOLERANCE * np.abs(theirs).max()
