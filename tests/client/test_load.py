"""Many transactions at once, against small servers of our own."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve

from syrinx.client.load import Plan, Summary, probe, run_number, run_seconds
from syrinx.client.speakers import Target
from syrinx.client.takes import Take
from syrinx.core.errors import InvalidRequest, ModelFailed, ModelNotReady, Overloaded, VoiceNotFound

SOUND = base64.b64encode(b"\0\4" * 2400).decode()


class Small:
    """A Realtime-style server: what it heard, how many were on it at once, and the code it refuses with."""

    def __init__(self, refuse: str = "") -> None:
        self.heard: list[dict[str, object]] = []
        self.refuse = refuse
        self.most = 0
        self._now = 0

    async def talk(self, socket: ServerConnection) -> None:
        self._now += 1
        self.most = max(self.most, self._now)
        try:
            async for message in socket:
                asked = json.loads(message)
                self.heard.append(asked)
                await asyncio.sleep(0)
                for event in self._answer(asked):
                    await socket.send(json.dumps(event))
        finally:
            self._now -= 1

    def _answer(self, asked: dict[str, object]) -> list[dict[str, object]]:
        name = {"response": asked["response_id"]}
        if self.refuse:
            return [{"type": "response.error", "code": self.refuse, "retry_after_s": 0.01, **name}]
        return [
            {"type": "response.created", **name},
            {"type": "response.output_audio.delta", "delta": base64.b64encode(bytes(512)).decode(), **name},
            {"type": "response.output_audio.delta", "delta": SOUND, **name},
            {"type": "response.completed", "duration_s": 0.1, "total_samples": 2400, **name},
        ]


@asynccontextmanager
async def running(small: Small) -> AsyncIterator[str]:
    async with serve(small.talk, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


def plan(url: str, concurrency: int = 3, texts: tuple[str, ...] = ("Hello.",)) -> Plan:
    return Plan(Target(url, voice="female", speed=1.5), "realtime", texts, concurrency)


async def test_a_number_of_transactions_is_made_so_many_at_once() -> None:
    small, told = Small(), list[Take]()
    async with running(small) as url:
        summary = await run_number(plan(url, texts=("One.", "Two.")), 10, told.append)
    assert (len(summary.spoken), summary.rejected, summary.failed, len(told)) == (10, 0, 0, 10)
    assert (summary.chunks, summary.audio_s) == (20, pytest.approx(2.0))
    assert 1 < small.most <= 3
    wanted = {"input": "One.", "voice": "female", "speed": 1.5, "cache": False}
    assert wanted.items() <= small.heard[0].items()
    spread = summary.spread(lambda take: take.ttfb_s)
    assert all(isinstance(spread[name], float) for name in ("mean", "p50", "p95", "max"))


async def test_what_a_busy_server_refuses_is_counted_as_rejected() -> None:
    async with running(Small("busy")) as url:
        summary = await run_number(plan(url), 4, lambda take: None)
        await probe(plan(url))
    assert (len(summary.spoken), summary.rejected, summary.failed) == (0, 4, 0)
    assert summary.spread(lambda take: take.ttfb_s) == {"mean": None, "p50": None, "p95": None, "max": None}


async def test_what_fails_is_counted_as_failed_and_stops_a_probe() -> None:
    async with running(Small("invalid_voice")) as url:
        summary = await run_number(plan(url), 4, lambda take: None)
        assert (summary.rejected, summary.failed) == (0, 4)
        with pytest.raises(VoiceNotFound):
            await probe(plan(url))
    with pytest.raises(ModelNotReady):
        await probe(plan(url))


async def test_a_time_is_filled_and_what_is_not_done_then_is_not_counted() -> None:
    async with running(Small()) as url:
        summary = await run_seconds(plan(url), 0.3, lambda take: None)
    assert summary.elapsed_s == 0.3 and len(summary.spoken) > 3
    assert summary.per_minute == pytest.approx(len(summary.spoken) * 200)


async def test_a_rejected_transaction_waits_as_it_was_told() -> None:
    async with running(Small("busy")) as url:
        summary = await run_seconds(plan(url), 0.3, lambda take: None)
    assert 0 < summary.rejected < 100 and summary.failed == 0


async def test_a_dialect_that_there_is_not_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="zork"):
        await probe(Plan(Target("http://127.0.0.1:9"), "zork", ["Hi."]))


def test_figures_are_of_what_was_spoken() -> None:
    takes = [
        Take(1.0, 0.1, 0.2, 2.0, 3),
        Take(9.0, error=Overloaded("Busy.", 1.0)),
        Take(9.0, error=ModelFailed("Broken.")),
    ]
    summary = Summary(takes, 30.0)
    assert (summary.rejected, summary.failed, summary.audio_s, summary.chunks, summary.per_minute) == (
        1,
        1,
        2.0,
        3,
        2.0,
    )
    assert summary.spread(lambda take: take.wall_s)["max"] == 1.0
