"""Who uses which model just now, so that one that was replaced ends when its last user is done and not before."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

from syrinx.workers.host import ModelHost


class Leases:
    """Counts users by model. For one event loop."""

    def __init__(self) -> None:
        self._users: Counter[ModelHost] = Counter()
        self._one_less = asyncio.Event()

    @contextmanager
    def using(self, host: ModelHost) -> Generator[None]:
        """Keep the model running inside the ``with``; take it in the same turn of the loop in which it was found."""
        self._users[host] += 1
        try:
            yield
        finally:
            self._users[host] -= 1
            if not self._users[host]:
                del self._users[host]
                self._one_less.set()

    async def unused(self, host: ModelHost) -> None:
        """Return once nobody uses the model."""
        while self._users[host]:
            self._one_less.clear()
            await self._one_less.wait()
