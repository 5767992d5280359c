"""Replies wait behind what they follow, however utterances end."""

from __future__ import annotations

from syrinx.protocols.base import Close, Reply
from syrinx.protocols.turns import MAX_WAITING, Turns

A, B, C = Reply("a"), Reply("b"), Reply("c")


def test_with_nothing_spoken_replies_go_at_once() -> None:
    assert Turns().say([A, Close()]) == [A, Close()]


def test_a_reply_waits_for_the_utterance_before_it() -> None:
    turns = Turns()
    turns.begin("1")
    assert turns.say([A]) == []
    turns.begin("2")
    assert turns.say([B, C]) == []
    assert turns.end("1") == [A]
    assert turns.end("2") == [B, C]
    assert turns.say([A]) == [A]


def test_what_stands_behind_one_that_ended_early_waits_for_the_one_before() -> None:
    turns = Turns()
    for name, reply in (("1", A), ("2", B), ("3", C)):
        turns.begin(name)
        turns.say([reply])
    assert turns.end("2") == []
    assert turns.end("1") == [A, B]
    assert turns.end("3") == [C]


def test_an_unknown_end_is_none() -> None:
    turns = Turns()
    turns.begin("1")
    assert turns.end("2") == []
    assert turns.say([A]) == []


def test_no_more_wait_than_the_bound_and_room_comes_back() -> None:
    turns = Turns()
    turns.begin("1")
    assert all(turns.say([A]) == [] for _ in range(MAX_WAITING))
    assert turns.say([B]) == [B]
    assert len(turns.end("1")) == MAX_WAITING
    turns.begin("2")
    assert turns.say([B]) == []
