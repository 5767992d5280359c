"""Every token is heard once, with context before it and look-ahead behind, however they come."""

from __future__ import annotations

import pytest

from syrinx.models.chatterbox.windows import LOOKAHEAD, Window, WindowPlan, Windows


def cut(total: int, plan: WindowPlan) -> list[Window]:
    windows, made = Windows(plan), []
    for have in range(1, total + 1):
        window = windows.next(have)
        made += [window] if window is not None else []
    return [*made, windows.rest(total)]


@pytest.mark.parametrize("total", [1, 3, 12, 15, 16, 17, 40, 41, 44, 200])
def test_every_token_is_heard_once_and_in_order(total: int) -> None:
    windows = cut(total, WindowPlan())
    assert [window.new for window in windows] == [0, *(window.end for window in windows[:-1])]
    assert windows[-1].end == total and all(window.end > window.new for window in windows)


def test_a_window_begins_with_its_context_and_ends_with_its_lookahead() -> None:
    windows = cut(200, WindowPlan(first=12, chunk=25, context=50))
    assert windows[0] == Window(0, 0, 12, LOOKAHEAD, last=False)
    assert windows[3] == Window(37, 87, 187, LOOKAHEAD, last=False)
    assert windows[-1].ahead == 0 and windows[-1].last


def test_chunks_double_up_to_the_bound() -> None:
    windows = cut(500, WindowPlan(first=12, chunk=25, most=100))
    assert [window.end - window.new for window in windows] == [12, 25, 50, 100, 100, 100, 100, 13]


def test_a_window_waits_for_its_lookahead() -> None:
    windows = Windows(WindowPlan(first=12))
    assert windows.next(12 + LOOKAHEAD) is None
    assert windows.next(13 + LOOKAHEAD) is not None
