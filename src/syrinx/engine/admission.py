"""Who may start now, who waits, who is refused. Pure: callers pass the time and the measured load, and do the waiting.

The expected wait is ``(queued / capacity + 0.5) * mean wall time of an utterance``, where the capacity is the smaller
of the operator's cap and what the model was measured to carry without a listener running dry. Over the service level
the answer is ``Overloaded`` at once, with that wait.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from syrinx.core.errors import Overloaded
from syrinx.core.types import ServiceClass
from syrinx.workers.host import HostLoad

SMOOTHING = 0.2
"""Weight of the newest wall time in the moving average (founding Realtime-style server, protocols 2.4)."""
BULK_SHARE = 2
"""Bulk work may hold one in so many running places, so that it never shuts out a listener."""
MIN_RETRY_AFTER_S = 0.1


@dataclass(frozen=True, slots=True)
class AdmissionPolicy:
    max_running: int = 256
    max_queued: int = 256
    wait_sla_s: float = 2.0
    initial_wall_s: float = 2.5
    """Assumed wall time of an utterance before one was measured."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One utterance asking to run."""

    id: str
    owner: str
    service_class: ServiceClass


class Admission:
    """The running set and the waiting line of one model."""

    def __init__(self, policy: AdmissionPolicy) -> None:
        self._policy = policy
        self._running: dict[str, tuple[Ticket, float]] = {}
        self._waiting: dict[str, Ticket] = {}
        self._wall_s = policy.initial_wall_s

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def queued(self) -> int:
        return len(self._waiting)

    @property
    def mean_wall_s(self) -> float:
        """Moving average of how long utterances hold their place."""
        return self._wall_s

    def request(self, ticket: Ticket, now: float, load: HostLoad | None) -> bool:
        """Ask to run. True: it runs from now. False: it waits and will be named by ``admit``.

        Raises ``Overloaded`` when the line is full or, for an interactive ticket, the expected wait is over the
        service level. Each ticket must later be given to ``release`` once, whatever came of it.
        """
        if not self._waiting_ahead_of(ticket) and self._has_room(ticket, load):
            self._running[ticket.id] = (ticket, now)
            return True
        wait_s = self.expected_wait_s(load)
        if self.queued >= self._policy.max_queued:
            raise Overloaded("Too many requests are waiting.", max(wait_s, MIN_RETRY_AFTER_S))
        if ticket.service_class is ServiceClass.INTERACTIVE and wait_s >= self._policy.wait_sla_s:
            raise Overloaded(f"The expected wait is {wait_s:.1f} s.", max(wait_s, MIN_RETRY_AFTER_S))
        self._waiting[ticket.id] = ticket
        return False

    def release(self, ticket_id: str, now: float) -> None:
        """Give up a place in the running set or in the line. Unknown ids are ignored."""
        self._waiting.pop(ticket_id, None)
        entry = self._running.pop(ticket_id, None)
        if entry is not None:
            self._wall_s += SMOOTHING * (now - entry[1] - self._wall_s)

    def admit(self, now: float, load: HostLoad | None) -> list[str]:
        """Move all that may run now from the line to the running set and return their ids."""
        admitted = []
        while (ticket := self._next(load)) is not None:
            del self._waiting[ticket.id]
            self._running[ticket.id] = (ticket, now)
            admitted.append(ticket.id)
        return admitted

    def expected_wait_s(self, load: HostLoad | None) -> float:
        """Seconds until a ticket that joined the line now would run."""
        capacity = max(1, min(self.running or 1, self._capacity(load)))
        return (self.queued / capacity + 0.5) * self._wall_s

    def _next(self, load: HostLoad | None) -> Ticket | None:
        """The ticket whose turn it is: listeners before bulk, then the owner with least running, then the oldest."""
        held = Counter(ticket.owner for ticket, _ in self._running.values())
        line = sorted(
            self._waiting.values(), key=lambda t: (t.service_class is ServiceClass.BULK, held[t.owner])
        )  # sorting is stable, so the oldest stays first
        return next((ticket for ticket in line if self._has_room(ticket, load)), None)

    def _waiting_ahead_of(self, ticket: Ticket) -> bool:
        bulk = ticket.service_class is ServiceClass.BULK
        return any(bulk or other.service_class is ServiceClass.INTERACTIVE for other in self._waiting.values())

    def _has_room(self, ticket: Ticket, load: HostLoad | None) -> bool:
        if self.running >= self._policy.max_running:
            return False
        if ticket.service_class is ServiceClass.BULK:
            return self._count(ServiceClass.BULK) < max(1, self._policy.max_running // BULK_SHARE)
        return self._count(ServiceClass.INTERACTIVE) < self._capacity(load)

    def _count(self, service_class: ServiceClass) -> int:
        return sum(ticket.service_class is service_class for ticket, _ in self._running.values())

    def _capacity(self, load: HostLoad | None) -> int:
        """Listeners that can be kept gapless: each hears one second of audio a second.

        With rows free in the batch one more row is taken to cost nothing; as the batch fills, the measured row speed
        tells the truth.
        """
        if load is None or load.row_speed is None:
            return self._policy.max_running
        rows = min(self._count(ServiceClass.INTERACTIVE) + 1, load.max_batch)
        return max(1, min(self._policy.max_running, int(load.row_speed * rows)))
