"""Who may start now, who waits, who is refused. Pure: callers pass the time and the measured load, and do the waiting.

The expected wait is ``(those ahead + 0.5) / places * mean wall time of an utterance`` (the founding Realtime-style
server's for its one place, protocols 2.4), where the places are those that are taken now, at most what the model was
measured to carry without a listener running dry. Over the service level the answer is ``Overloaded`` at once, with that
wait.
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
MIN_AUDIO_S = 0.5
"""Nothing that is listened to is counted as shorter: single words say little of what comes next."""
MAX_AUDIO_S = 60.0
"""Nothing is counted as longer: a head start of seconds is next to nothing of a minute already."""


@dataclass(frozen=True, slots=True)
class AdmissionPolicy:
    max_running: int = 256
    max_queued: int = 256
    wait_sla_s: float = 2.0
    initial_wall_s: float = 2.5
    """Assumed wall time of an utterance before one was measured."""
    head_start_s: float = 0.0
    """Longest head start (``workers.headstart``) that listeners who are let in may need, so that more share batches."""
    share: bool = False
    """Let listeners in whatever the model carries: they begin sooner and hear gaps."""


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
        self._waiting: dict[ServiceClass, dict[str, Ticket]] = {kind: {} for kind in ServiceClass}
        self._by_class: Counter[ServiceClass] = Counter()
        self._by_owner: Counter[str] = Counter()
        self._wall_s = policy.initial_wall_s
        self._audio_s = policy.initial_wall_s

    @property
    def running(self) -> int:
        return len(self._running)

    @property
    def queued(self) -> int:
        return sum(map(len, self._waiting.values()))

    @property
    def mean_wall_s(self) -> float:
        """Moving average of how long listeners' utterances hold their place; bulk work does not count."""
        return self._wall_s

    @property
    def audio_s(self) -> float:
        """How long listeners' utterances last: a moving average that follows longer ones at once."""
        return self._audio_s

    def request(self, ticket: Ticket, now: float, load: HostLoad | None) -> bool:
        """Ask to run. True: it runs from now. False: it waits and will be named by ``admit``.

        Raises ``Overloaded`` when the line is full or, for an interactive ticket, the expected wait is over the
        service level. Each ticket must later be given to ``release`` once, whatever came of it.
        """
        if not self._ahead_of(ticket.service_class) and self._has_room(ticket.service_class, load):
            self._let_run(ticket, now)
            return True
        wait_s = self.expected_wait_s(load, ticket.service_class)
        if self.queued >= self._policy.max_queued:
            raise Overloaded("Too many requests are waiting.", max(wait_s, MIN_RETRY_AFTER_S))
        if ticket.service_class is ServiceClass.INTERACTIVE and wait_s >= self._policy.wait_sla_s:
            raise Overloaded(f"The expected wait is {wait_s:.1f} s.", max(wait_s, MIN_RETRY_AFTER_S))
        self._waiting[ticket.service_class][ticket.id] = ticket
        return False

    def release(self, ticket_id: str, now: float, *, audio_s: float | None = None, measured: bool = True) -> None:
        """Give up a place in the running set or in the line. Unknown ids are ignored.

        ``audio_s``: how long what was spoken lasts; ``inf``: its end was not known when it began, so it had no head
        start, however short; None: it was not spoken to its end.
        ``measured``: both tell of others to come. They do not where the audio came from the response cache: a run of
        such would make the line look short to those who need the model, and what they need of it little.
        """
        for line in self._waiting.values():
            line.pop(ticket_id, None)
        ticket, since = self._running.pop(ticket_id, (None, 0.0))
        if ticket is None:
            return
        self._by_class[ticket.service_class] -= 1
        self._by_owner[ticket.owner] -= 1
        if not self._by_owner[ticket.owner]:
            del self._by_owner[ticket.owner]
        listened = ticket.service_class is ServiceClass.INTERACTIVE  # a book of an hour says nothing of their wait
        if not (measured and listened):
            return
        self._wall_s += SMOOTHING * (now - since - self._wall_s)
        if audio_s is not None:
            audio_s = min(audio_s, MAX_AUDIO_S)
            self._audio_s = max(audio_s, self._audio_s + SMOOTHING * (audio_s - self._audio_s))

    def admit(self, now: float, load: HostLoad | None) -> list[str]:
        """Move all that may run now from the line to the running set and return their ids."""
        admitted = []
        while (ticket := self._next(load)) is not None:
            del self._waiting[ticket.service_class][ticket.id]
            self._let_run(ticket, now)
            admitted.append(ticket.id)
        return admitted

    def expected_wait_s(self, load: HostLoad | None, service_class: ServiceClass = ServiceClass.INTERACTIVE) -> float:
        """Seconds until a ticket of that class that joined the line now would run."""
        bulk = service_class is ServiceClass.BULK
        held = self.running if bulk else self._by_class[service_class]
        places = max(1, min(held, self._capacity(load)))
        return (self._ahead_of(service_class) + 0.5) / places * self._wall_s

    def _let_run(self, ticket: Ticket, now: float) -> None:
        self._running[ticket.id] = (ticket, now)
        self._by_class[ticket.service_class] += 1
        self._by_owner[ticket.owner] += 1

    def _next(self, load: HostLoad | None) -> Ticket | None:
        """The ticket whose turn it is: listeners before bulk, then the owner with least running, then the oldest."""
        for kind in (ServiceClass.INTERACTIVE, ServiceClass.BULK):
            if self._waiting[kind] and self._has_room(kind, load):
                return min(self._waiting[kind].values(), key=lambda ticket: self._by_owner[ticket.owner])
        return None

    def _ahead_of(self, service_class: ServiceClass) -> int:
        """How many that wait come before a newcomer of that class."""
        return self.queued if service_class is ServiceClass.BULK else len(self._waiting[ServiceClass.INTERACTIVE])

    def _has_room(self, service_class: ServiceClass, load: HostLoad | None) -> bool:
        if self.running >= self._policy.max_running:
            return False
        if service_class is ServiceClass.BULK:
            return self._by_class[service_class] < max(1, self._policy.max_running // BULK_SHARE)
        return self._by_class[service_class] < self._capacity(load)

    def _capacity(self, load: HostLoad | None) -> int:
        """Listeners that can be kept gapless, by what batches of each size were measured to cost, where they may wait
        for a head start: one of audio that takes ``slowest`` times as long to make as to hear waits for the difference.

        The measure is an average over ten seconds of stepping (``workers.meter``), so that a hiccup takes a part of
        the places and never all.
        """
        slowest = 1 + self._policy.head_start_s / max(self._audio_s, MIN_AUDIO_S)
        listeners = None if load is None or self._policy.share else load.listeners(slowest)
        return self._policy.max_running if listeners is None else max(1, min(self._policy.max_running, listeners))
