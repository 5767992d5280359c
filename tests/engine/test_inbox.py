"""Text comes in at once and is cut only as it is asked for; flushes and ends keep their place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.errors import TextTooLong
from syrinx.engine.inbox import SLICE_CHARS, Inbox
from syrinx.text.front import TextFront
from syrinx.text.segmenter import SegmentPolicy


def opened(max_chars: int = 100_000) -> Inbox:
    inbox = Inbox(max_chars)
    inbox.open(TextFront(SegmentPolicy(), "en"))
    return inbox


def all_pieces(inbox: Inbox) -> list[str]:
    while inbox.cut():
        pass
    pieces = []
    while (piece := inbox.take()) is not None:
        pieces.append(piece.text)
    return pieces


def test_nothing_is_cut_before_the_front_is_there() -> None:
    inbox = Inbox(100)
    inbox.append("Hello.")
    inbox.end()
    assert not inbox.cut()
    assert inbox.take() is None
    inbox.open(TextFront(SegmentPolicy(), "en"))
    assert all_pieces(inbox) == ["Hello."]


def test_the_bound_counts_all_text_and_a_refused_text_leaves_no_trace() -> None:
    inbox = opened(max_chars=10)
    inbox.append("12345678")
    with pytest.raises(TextTooLong) as refused:
        inbox.append("abc")
    assert (refused.value.limit, refused.value.got) == (10, 11)
    inbox.append("90")
    inbox.end()
    assert "".join(all_pieces(inbox)) == "1234567890"


def test_a_flush_stands_between_the_texts_that_it_was_sent_between() -> None:
    inbox = opened()
    inbox.append("no end")
    inbox.flush()
    inbox.append(" and more")
    inbox.end()
    assert all_pieces(inbox) == ["no end", " and more"]


def test_flushes_without_new_text_are_not_kept() -> None:
    inbox = opened()
    assert inbox.flush() is False
    inbox.append("some")
    assert [inbox.flush() for _ in range(3)] == [True, False, False]


def test_text_waits_only_after_all_that_came_is_cut() -> None:
    inbox = opened()
    inbox.append("no end")
    assert not inbox.holds_text
    inbox.cut()
    assert inbox.holds_text
    inbox.flush()
    assert not inbox.holds_text


def test_one_cut_takes_a_slice_at_most_so_that_long_text_is_cut_in_turns() -> None:
    inbox = opened()
    inbox.append("Words and words. " * 200)
    inbox.cut()
    taken = 0
    while (piece := inbox.take()) is not None:
        taken += len(piece.text)
    assert 0 < taken <= SLICE_CHARS


@given(st.lists(st.one_of(st.text(max_size=40), st.sampled_from(["flush"]).map(lambda _: None)), max_size=30))
def test_pieces_join_to_the_text_and_the_end_exhausts(items: list[str | None]) -> None:
    inbox = opened()
    for item in items:
        if item is None:
            inbox.flush()
        else:
            inbox.append(item)
    assert not inbox.exhausted
    inbox.end()
    inbox.end()
    kept = "".join(all_pieces(inbox))
    assert kept == "".join(item for item in items if item is not None)
    assert inbox.exhausted


@given(st.lists(st.text(alphabet="ab. \n", max_size=9), max_size=40), st.integers(1, 7))
def test_tokens_that_wait_are_cut_like_tokens_that_come_one_by_one(tokens: list[str], every: int) -> None:
    waiting, eager = opened(), opened()
    eager_pieces = []
    for number, token in enumerate(tokens):
        waiting.append(token)
        eager.append(token)
        if number % every == 0:
            eager_pieces += all_pieces(eager)
    waiting.end()
    eager.end()
    assert all_pieces(waiting) == eager_pieces + all_pieces(eager)
