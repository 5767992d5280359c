"""What is streamed against what is made at once, at every edge of a chunk.

The flow decoder hears both sides of a token, so its frames differ with the window: random weights, which have learned
no smoothness, bound that by the level of the sound only. The vocoder is exact, given the same frames.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from syrinx.core.types import Samples
from syrinx.models.chatterbox.backend import _plan
from syrinx.models.chatterbox.sound import BEFORE, FRAME, HELD, Sound
from syrinx.models.chatterbox.windows import LOOKAHEAD, Window, WindowPlan, Windows

from .case import loaded_once, options
from .weights import shrink

TOKENS = [(37 * n * n + 11 * n) % 6561 for n in range(70)]
VOCODER_TOLERANCE = 1e-5
"""Of samples up to 0.3, beyond the frames whose right side was not known."""


def sound(**changes: Any) -> Sound:
    import torch

    chosen = options(**changes)
    shrink()
    loaded = loaded_once(chosen)
    seeds = [torch.Generator().manual_seed(n) for n in (1, 2)]
    return Sound(loaded.s3gen, loaded.flow, loaded.default_voice, 1, seeds)


def said(plan: WindowPlan, made: Sound) -> list[Samples]:
    windows, chunks = Windows(plan), []
    for have in range(1, len(TOKENS) + 1):
        if (window := windows.next(have)) is not None:
            chunks.append(made.make(TOKENS[:have], window))
    return [*chunks, made.make(TOKENS, windows.rest(len(TOKENS)))]


def at_once() -> Samples:
    return sound().make(TOKENS, Window(0, 0, len(TOKENS), 0, last=True))


@pytest.mark.parametrize(
    "plan",
    [
        WindowPlan(),
        WindowPlan(5, 5, 5, 10),
        WindowPlan(30, 30, 30),
        WindowPlan(12, 25, 25, 4),
        WindowPlan(5, 5, 40, 50),
    ],
    ids=str,
)
def test_the_length_is_that_of_the_tokens_however_it_is_cut(plan: WindowPlan) -> None:
    assert sum(map(len, said(plan, sound()))) == len(TOKENS) * 2 * FRAME == len(at_once())


def test_chunks_double_up_to_the_most_and_no_token_is_left_out_or_said_twice() -> None:
    windows, sizes, said = Windows(WindowPlan(12, 25, 90, 50)), [], 0
    for have in range(1, 400):
        while (window := windows.next(have)) is not None:
            assert window.new == said and window.start == max(0, said - 50)
            assert have == window.end + LOOKAHEAD + 1  # as soon as it can be
            sizes.append(window.end - window.new)
            said = window.end
    last = windows.rest(400)
    assert sizes == [12, 25, 50, 90, 90, 90] and (last.new, last.end, last.ahead) == (said, 400, 0)


def test_a_cpu_gets_the_rest_at_once_and_what_is_said_counts() -> None:
    import torch

    silent, told = options(), options(chunk_tokens=30)
    cuda, cpu = torch.device("cuda"), torch.device("cpu")
    plans = [_plan(silent, cuda), _plan(silent, cpu), _plan(told, cuda), _plan(told, cpu)]
    assert [plan.chunk for plan in plans] == [25, 250, 30, 30]
    windows = Windows(plans[1])
    assert [windows.next(have) for have in range(16, 200)].count(None) == 183  # one of 12, and no other
    assert windows.rest(200).new == 12


def test_a_first_chunk_over_the_most_stays_as_it_was_asked_for() -> None:
    windows = Windows(WindowPlan(50, 40, 30, 4))
    found = [window for have in range(200) if (window := windows.next(have)) is not None]
    assert [window.end - window.new for window in found] == [50, 40, 40, 40]


def test_no_edge_of_a_chunk_is_steeper_than_the_sound_itself() -> None:
    chunks = said(WindowPlan(12, 12, 24), sound())
    whole = np.concatenate(chunks)
    usual = np.abs(np.diff(at_once())).max()
    for edge in np.cumsum([len(chunk) for chunk in chunks[:-1]]):
        assert np.abs(np.diff(whole[edge - 2 : edge + 2])).max() <= usual


def test_streamed_is_as_loud_as_made_at_once_around_every_edge() -> None:
    chunks = said(WindowPlan(12, 12, 24), sound())
    whole, once = np.concatenate(chunks), at_once()
    for edge in np.cumsum([len(chunk) for chunk in chunks[:-1]]):
        one, other = (np.sqrt(np.mean(made[edge - 2400 : edge + 2400] ** 2)) for made in (whole, once))
        assert one == pytest.approx(other, rel=0.25)


def test_the_vocoder_goes_on_as_if_it_had_never_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same frames in every window, samples are those of one call, but for those of the held frames."""
    import torch

    frames = torch.randn(1, 80, 2 * len(TOKENS), generator=torch.Generator().manual_seed(3))

    def same(_: Sound, __: object, window: Window) -> Any:
        return frames[:, :, 2 * window.start : 2 * window.end]

    monkeypatch.setattr(Sound, "_mel", same)
    chunks = said(WindowPlan(30, 20, 20), sound())
    whole, once = np.concatenate(chunks), at_once()
    different = np.abs(whole - once) > VOCODER_TOLERANCE
    edges = np.cumsum([len(chunk) for chunk in chunks[:-1]])
    for edge in edges:  # held frames, and before them those that the vocoder's kernels saw without their right side
        different[edge - BEFORE * FRAME : edge + HELD * FRAME] = False
    assert not different.any()


def test_the_excitation_is_the_same_however_it_is_cut() -> None:
    import torch

    from syrinx.models.chatterbox.source import Source

    chosen = options()
    shrink()
    module = loaded_once(chosen).s3gen.mel2wav.m_source
    pitch = torch.tensor([0.0, 110.0, 120.0, 130.0, 0.0, 0.0, 200.0, 210.0])
    with torch.inference_mode():
        one, other = (Source(module, torch.Generator().manual_seed(5), torch.device("cpu")) for _ in range(2))
        whole = one.more(pitch)
        parts = torch.cat([other.more(piece) for piece in pitch.split([3, 1, 0, 4])], dim=2)
    assert whole.shape == (1, 1, 8 * FRAME)
    assert torch.allclose(whole, parts, atol=1e-5)
