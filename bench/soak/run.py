"""Runs visitors side by side for a while and adds up what went wrong."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from random import Random

import httpx
from websockets.exceptions import WebSocketException

from bench.soak.talks import VISITS, Visit, Visitor

HANG_S = 30.0
"""A visit that takes longer hangs: the longest text is spoken by then many times over."""


@dataclass(slots=True)
class SoakResult:
    """What was seen."""

    visits: int = 0
    hangs: list[str] = field(default_factory=list)
    broken: dict[str, int] = field(default_factory=dict)
    """Connections that ended otherwise than their dialect says, by visit and error."""
    statuses: dict[int, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    """Answers of 500 by path."""

    @property
    def failures(self) -> int:
        """Answers of 500."""
        return sum(self.failed.values())


async def soak(base: str, visitors: int, seconds: float, seed: int) -> SoakResult:
    """Let ``visitors`` come to ``base`` (``host:port``) again and again for ``seconds``, each at a seed of its own."""
    result, until = SoakResult(), time.monotonic() + seconds
    async with httpx.AsyncClient(trust_env=False, timeout=HANG_S, limits=httpx.Limits(max_connections=None)) as http:
        guests = [
            Visitor(base, http, Random(f"{seed}.{number}"), result.statuses, result.failed)
            for number in range(visitors)
        ]
        await asyncio.gather(*(_come_again(guest, until, result) for guest in guests))
    return result


async def _come_again(guest: Visitor, until: float, result: SoakResult) -> None:
    kinds, weights = list(VISITS), list(VISITS.values())
    while time.monotonic() < until:
        await _one(guest.chance.choices(kinds, weights)[0], guest, result)


async def _one(visit: Visit, guest: Visitor, result: SoakResult) -> None:
    name = getattr(visit, "__name__", "visit")
    result.visits += 1
    try:
        async with asyncio.timeout(HANG_S):
            await visit(guest)
    except (TimeoutError, httpx.TimeoutException):
        result.hangs.append(name)
    except (OSError, EOFError, WebSocketException, httpx.HTTPError) as error:
        key = f"{name}: {type(error).__name__}"
        result.broken[key] = result.broken.get(key, 0) + 1
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(0)
