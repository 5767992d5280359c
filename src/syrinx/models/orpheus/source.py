"""Where tokens come from, as one interface; and what sources share whose tokens arrive from threads of their own."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .prompt import Prompt
from .sampling import Sampling

WAIT_S = 0.05
"""A step waits at most this long for tokens that others compute, so that a cancel is never far away."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of a source for one job."""

    job_id: str
    prompt: Prompt
    sampling: Sampling
    limit: int
    """Most tokens."""
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What came for one job. The id that ended it is not among ``ids``; ``error`` implies ``done``."""

    ids: tuple[int, ...] = ()
    done: bool = False
    cut: bool = False
    """It ended because the limit was reached, not by itself."""
    error: Exception | None = None


class TokenSource(ABC):
    """One iterator of ids a job, advanced for many jobs at once."""

    @abstractmethod
    def open(self, order: Order) -> None:
        """Take an order; work on it begins with the first ``take``."""

    @abstractmethod
    def take(self, job_ids: Sequence[str]) -> list[Taken]:
        """What is new for each of these open jobs, in their order: a little work, or a short wait."""

    @abstractmethod
    def close(self, job_id: str) -> None:
        """Forget a job, finished or not; unknown ids are ignored."""

    @abstractmethod
    def unload(self) -> None:
        """End all of it."""


@dataclass(slots=True)
class Feed:
    """One job's tokens on their way from another thread."""

    order: Order
    changed: threading.Condition
    ids: list[int] = field(default_factory=list[int])
    ended: Taken | None = None
    begun: bool = False
    cancelled: bool = False
    on_cancel: Callable[[], object] | None = None
    """Ends the work; called once, from any thread."""

    def put(self, ids: Sequence[int]) -> None:
        with self.changed:
            self.ids += ids
            self.changed.notify_all()

    def end(self, how: Taken) -> None:
        with self.changed:
            self.ended = self.ended or how
            self.changed.notify_all()

    def cancels_by(self, action: Callable[[], object]) -> None:
        """Say how to end the work, which is done at once if nobody wants it any more."""
        with self.changed:
            self.on_cancel = action
            late = self.cancelled
        if late:
            action()

    def cancel(self) -> None:
        with self.changed:
            self.cancelled = True
            action = self.on_cancel
        if action is not None:
            action()

    def take(self) -> Taken:
        """What is there; the caller holds the condition."""
        ids, self.ids = tuple(self.ids), []
        return Taken(ids) if self.ended is None else Taken(ids, True, self.ended.cut, self.ended.error)


class FedSource(TokenSource):
    """A source whose tokens are computed elsewhere."""

    def __init__(self, wait_s: float = WAIT_S) -> None:
        self._feeds: dict[str, Feed] = {}
        self._changed = threading.Condition()
        self._wait_s = wait_s

    @abstractmethod
    def begin(self, feed: Feed) -> None:
        """Have tokens put into a feed until it is ended or cancelled. Must not block."""

    def open(self, order: Order) -> None:
        self._feeds[order.job_id] = Feed(order, self._changed)

    def take(self, job_ids: Sequence[str]) -> list[Taken]:
        feeds = [self._feeds[job_id] for job_id in job_ids]
        for feed in feeds:
            if not feed.begun:
                feed.begun = True
                self.begin(feed)
        with self._changed:
            self._changed.wait_for(lambda: any(feed.ids or feed.ended for feed in feeds), self._wait_s)
            return [feed.take() for feed in feeds]

    def close(self, job_id: str) -> None:
        feed = self._feeds.pop(job_id, None)
        if feed is not None:
            feed.cancel()

    def unload(self) -> None:
        for job_id in list(self._feeds):
            self.close(job_id)
