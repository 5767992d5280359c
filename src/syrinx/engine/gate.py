"""Does the waiting that ``admission`` decides about: one gate per model."""

from __future__ import annotations

import asyncio

from syrinx.core.clock import Clock
from syrinx.core.errors import Overloaded
from syrinx.core.types import ServiceClass
from syrinx.engine.admission import Admission, AdmissionPolicy, Ticket
from syrinx.workers.host import ModelHost

BULK_PATIENCE = 10
"""Bulk work waits this many times longer than a listener."""


class Gate:
    """Lets utterances of one model in, in the order that ``Admission`` says."""

    def __init__(self, host: ModelHost, policy: AdmissionPolicy, clock: Clock, timeout_s: float) -> None:
        self._admission = Admission(policy)
        self._host = host
        self._clock = clock
        self._timeout_s = timeout_s
        self._waiting: dict[str, asyncio.Future[None]] = {}

    @property
    def running(self) -> int:
        return self._admission.running

    @property
    def queued(self) -> int:
        return self._admission.queued

    async def enter(self, ticket: Ticket) -> None:
        """Return when the ticket may run. Raises ``Overloaded``. The caller owes one ``leave`` in any case."""
        if self._admission.request(ticket, self._clock.now(), self._host.load):
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting[ticket.id] = future
        patience = self._timeout_s * (BULK_PATIENCE if ticket.service_class is ServiceClass.BULK else 1)
        try:
            await asyncio.wait_for(future, patience)
        except TimeoutError:
            wait_s = self._admission.expected_wait_s(self._host.load)
            raise Overloaded(f"No turn came within {patience:.0f} s.", max(1.0, wait_s)) from None

    def leave(self, ticket: Ticket) -> None:
        """Give the place back and let the next ones in. Idempotent."""
        now = self._clock.now()
        self._waiting.pop(ticket.id, None)
        self._admission.release(ticket.id, now)
        for ticket_id in self._admission.admit(now, self._host.load):
            future = self._waiting.pop(ticket_id)
            if not future.done():
                future.set_result(None)
