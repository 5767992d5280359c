"""What waits for the database: bounded, in order, counted where it is lost."""

from __future__ import annotations

import threading

import pytest

from syrinx.store import backlog
from syrinx.store.backlog import BATCH, Backlog
from syrinx.store.rows import IndexRow
from tests.store.rows import job


def row(key: str, used_at: float = 1.0) -> IndexRow:
    return IndexRow(key, 10, used_at)


def test_batches_come_out_in_order_and_bounded() -> None:
    waiting = Backlog()
    rows = [job(utterance_id=str(number)) for number in range(BATCH + 3)]
    for one in rows:
        waiting.add_job(one)
    assert waiting.take().jobs == tuple(rows[:BATCH])
    assert waiting.take().jobs == tuple(rows[BATCH:])
    assert waiting.take().size == 0


def test_it_is_told_of_the_first_that_waits_only() -> None:
    waiting = Backlog()
    assert waiting.add_job(job()) is True
    assert waiting.add_job(job()) is False and waiting.change_index("a", None) is False
    waiting.take()
    assert waiting.change_index("a", None) is True and waiting.add_job(job()) is False


def test_a_full_batch_says_that_more_may_wait() -> None:
    waiting = Backlog()
    for _ in range(BATCH + 1):
        waiting.add_job(job())
    assert waiting.take().full and not waiting.take().full


def test_what_was_given_back_comes_first() -> None:
    waiting = Backlog()
    first, second = job(utterance_id="1"), job(utterance_id="2")
    waiting.add_job(first)
    batch = waiting.take()
    waiting.add_job(second)
    waiting.give_back(batch)
    assert waiting.take().jobs == (first, second)
    assert waiting.dropped == 0


def test_of_a_cache_entry_the_last_state_is_written() -> None:
    waiting = Backlog()
    waiting.change_index("a", row("a"))
    waiting.change_index("b", row("b"))
    waiting.change_index("a", None)
    batch = waiting.take()
    assert dict(batch.index) == {"a": None, "b": row("b")}
    waiting.change_index("b", row("b", 2.0))
    waiting.give_back(batch)
    assert dict(waiting.take().index) == {"a": None, "b": row("b", 2.0)}


def test_what_is_over_the_bounds_is_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "MAX_JOBS", 3)
    monkeypatch.setattr(backlog, "MAX_CHANGES", 2)
    waiting = Backlog()
    for number in range(5):
        waiting.add_job(job(utterance_id=str(number)))
        waiting.change_index(str(number), None)
    waiting.change_index("0", row("0"))  # known already: no more room is needed
    assert waiting.dropped == 2 + 3
    batch = waiting.take()
    assert [one.utterance_id for one in batch.jobs] == ["0", "1", "2"] and batch.index["0"] == row("0")
    waiting.add_job(job(utterance_id="late"))
    waiting.give_back(batch)
    assert [one.utterance_id for one in waiting.take().jobs] == ["0", "1", "2"]
    assert waiting.dropped == 6


def test_what_nobody_will_write_is_counted() -> None:
    waiting = Backlog()
    for _ in range(3):
        waiting.add_job(job())
    waiting.change_index("a", None)
    assert waiting.lose_rest() == 4
    assert waiting.take().size == 0 and waiting.dropped == 4


def test_threads_may_add_while_another_takes() -> None:
    waiting, taken = Backlog(), 0
    adding = [
        threading.Thread(target=lambda: [waiting.add_job(job()) for _ in range(500)], daemon=True) for _ in range(4)
    ]
    for thread in adding:
        thread.start()
    while any(thread.is_alive() for thread in adding):
        taken += len(waiting.take().jobs)
    while size := waiting.take().size:
        taken += size
    assert taken == 2000
