"""Does the waiting that ``admission`` decides about: one gate per model."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from syrinx.core.clock import Clock
from syrinx.core.errors import Overloaded
from syrinx.core.types import ServiceClass
from syrinx.engine.admission import Admission, AdmissionPolicy, Ticket
from syrinx.workers.host import ModelHost

BULK_PATIENCE = 10
"""Bulk work waits this many times longer than a listener."""
LOOK_AGAIN_S = 0.25
"""Those who wait look this often whether the model carries more by now: workers report up to ten times a second."""


async def _never() -> bool:
    return False


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

    async def enter(self, ticket: Ticket, is_needless: Callable[[], Awaitable[bool]] = _never) -> None:
        """Return when the ticket may run. Raises ``Overloaded``. The caller owes one ``leave`` in any case.

        ``is_needless`` is asked where it may not at once: whether the model is not needed, and so no place.
        """
        self._let_in()  # the model may carry more by now than when somebody left last
        try:
            if self._admission.request(ticket, self._clock.now(), self._host.load):
                return
        except Overloaded:
            if await is_needless():
                return
            raise
        future = self._waiting[ticket.id] = asyncio.get_running_loop().create_future()
        patience = self._timeout_s * (BULK_PATIENCE if ticket.service_class is ServiceClass.BULK else 1)
        try:
            if await is_needless():
                return self.leave(ticket, measured=False)
            # Not wait_for: in Python 3.11 it swallows a cancel that comes in the same turn of the loop as the place.
            async with asyncio.timeout(patience):
                await self._place(future)
        except TimeoutError:
            wait_s = self._admission.expected_wait_s(self._host.load, ticket.service_class)
            raise Overloaded(f"No turn came within {patience:g} s.", max(1.0, wait_s)) from None
        finally:
            self._waiting.pop(ticket.id, None)

    def leave(self, ticket: Ticket, *, audio_s: float | None = None, measured: bool = True) -> None:
        """Give the place back and let the next ones in. Idempotent. What is told: see ``Admission.release``."""
        self._admission.release(ticket.id, self._clock.now(), audio_s=audio_s, measured=measured)
        self._let_in()

    async def _place(self, future: asyncio.Future[None]) -> None:
        """Wait for a place. What the model carries is measured anew also while nobody comes or leaves."""
        while not future.done():
            await asyncio.wait((future,), timeout=LOOK_AGAIN_S)
            self._let_in()

    def _let_in(self) -> None:
        for ticket_id in self._admission.admit(self._clock.now(), self._host.load):
            future = self._waiting.get(ticket_id)
            if future is not None and not future.done():  # else it gave up just now, and leaves in a moment
                future.set_result(None)
