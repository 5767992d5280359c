"""What a library leaves behind of its loading."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from syrinx.models.threads import threads_ended


class Lingering(threading.Thread):
    """Goes on until it is waited for."""

    def __init__(self, *, daemon: bool) -> None:
        super().__init__(daemon=daemon)
        self.leave = threading.Event()

    def run(self) -> None:
        self.leave.wait()

    def join(self, timeout: float | None = None) -> None:
        self.leave.set()
        super().join(timeout)


@pytest.fixture
def threads() -> Iterator[list[Lingering]]:
    """One that began before, one that begins inside, and a daemon."""
    made = [Lingering(daemon=False), Lingering(daemon=False), Lingering(daemon=True)]
    yield made
    for thread in made:
        thread.join()


@pytest.mark.parametrize("fails", [False, True])
def test_threads_that_began_inside_are_waited_for_and_no_others(threads: list[Lingering], fails: bool) -> None:
    before, inside, daemon = threads
    before.start()
    try:
        with threads_ended():
            inside.start()
            daemon.start()
            if fails:
                raise ValueError
    except ValueError:
        assert fails
    assert [thread.is_alive() for thread in threads] == [True, False, True]
