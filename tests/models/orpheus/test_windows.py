"""Windows over frames: each frame is kept once, in order, with its context."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from syrinx.models.orpheus.frames import SLOTS, tokens_of
from syrinx.models.orpheus.ids import TokenIds
from syrinx.models.orpheus.speech import Speech
from syrinx.models.orpheus.windows import Planner, Window, WindowPolicy

BASE = TokenIds().audio_base
policies = st.builds(
    WindowPolicy,
    first=st.integers(1, 4),
    first_ahead=st.integers(0, 3),
    hop=st.integers(4, 9),
    ahead=st.integers(0, 3),
)


def plan(policy: WindowPolicy, arrivals: list[int]) -> list[Window]:
    planner, frames, windows = Planner(policy), 0, []
    for n, more in enumerate(arrivals):
        frames += more
        while (window := planner.due(frames, n == len(arrivals) - 1)) is not None:
            windows.append(window)
    return windows


@given(policies, st.lists(st.integers(0, 12), min_size=1, max_size=12))
def test_4_10_every_frame_is_kept_once_head_and_tail_too(policy: WindowPolicy, arrivals: list[int]) -> None:
    total, windows = sum(arrivals), plan(policy, arrivals)
    assert [n for w in windows for n in range(w.start, w.end)] == list(range(total))
    for window in windows:
        assert 0 <= window.lo <= window.start < window.end <= window.hi <= total
        assert window.lo == max(0, window.start - policy.behind)
        assert window.end - window.start <= policy.hop
        ahead = policy.ahead if window.start else policy.first_ahead
        assert window.hi == min(total, window.end + ahead) or window.hi - window.end == ahead


def test_4_10_fewer_than_28_tokens_still_sound() -> None:
    for frames in (1, 2, 3):
        kept = plan(WindowPolicy(), [frames])
        assert sum(w.end - w.start for w in kept) == frames


def test_4_11_the_first_window_comes_early_and_is_never_empty() -> None:
    planner = Planner(WindowPolicy())
    assert planner.due(2, False) is None
    assert planner.due(3, False) == Window(0, 3, 0, 1)
    assert planner.due(5, False) is None
    assert planner.due(6, False) == Window(0, 6, 1, 3)


@given(policies, st.integers(0, 40), st.data())
def test_4_10_a_job_holds_the_frames_of_its_windows_and_forgets_the_rest(
    policy: WindowPolicy, count: int, data: st.DataObject
) -> None:
    wanted = [tuple((7 * n + slot) % 4096 for slot in range(SLOTS)) for n in range(count)]
    ids, speech, kept = tuple(tokens_of(wanted, BASE)), Speech(BASE, policy, 0), []
    while not speech.finished:
        size = data.draw(st.integers(1, 40))
        speech.feed(ids[:size], ended=len(ids) <= size)
        ids = ids[size:]
        while (piece := speech.due()) is not None:
            assert piece.frames == tuple(wanted[piece.first : piece.first + len(piece.frames)])
            kept += piece.frames[piece.skip : piece.skip + piece.keep]
            assert len(speech._frames) <= policy.behind + policy.hop + policy.ahead + 6 + policy.first
    assert kept == wanted and speech.frames == count
