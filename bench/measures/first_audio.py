"""First audible audio over the WebSocket, beyond what espeak itself needs."""

from __future__ import annotations

import asyncio
import base64
import time
from dataclasses import dataclass

from bench import echo
from bench.figure import Effort, Figure
from bench.harness import Server, ServerPlan, has_audible, ms, percentile
from bench.measures.bare_espeak import TEXTS, bare_times
from bench.realtime import Event, RealtimeClient

WARM_UP = 5
ANSWER_WAIT_S = 10.0
SETTINGS = {"max_lead_s": 0, "response_cache": "off"}
"""The client asks again long before it could have heard the answer; that must not look like half a minute in hand."""
MEDIAN_REACH_S, P99_REACH_S = 0.003, 0.015


@dataclass(slots=True)
class _Turn:
    """One request on its way."""

    ended: asyncio.Future[float]
    """Gives when the first audible sample came, once the speech is complete."""
    audible_at: float = 0.0


class _OneClient:
    """Asks, waits for all of the speech, and tells when it became audible."""

    def __init__(self) -> None:
        self._turn: _Turn | None = None

    async def connect(self, url: str) -> None:
        self._client = await RealtimeClient.connect(url, self._on_event)

    async def ask(self, name: str, text: str) -> float:
        """Seconds from the request to the message that holds the first audible sample."""
        turn = self._turn = _Turn(asyncio.get_running_loop().create_future())
        began = time.perf_counter()
        self._client.create(name, text)
        async with asyncio.timeout(ANSWER_WAIT_S):
            return await turn.ended - began

    async def close(self) -> None:
        await self._client.close()

    def _on_event(self, event: Event) -> None:
        turn = self._turn
        if turn is None or turn.ended.done():
            return
        if event.type == "response.output_audio.delta" and not turn.audible_at:
            now = time.perf_counter()
            turn.audible_at = now if has_audible(base64.b64decode(event.delta)) else 0.0
        elif event.type == "response.completed" and turn.audible_at:
            turn.ended.set_result(turn.audible_at)
        elif event.type in ("response.completed", "response.error"):
            turn.ended.set_exception(RuntimeError(f"no audible speech: {event.type} {event.code}"))


async def measure(effort: Effort) -> list[Figure]:
    """One client, one request after the other, each text's bare time taken off."""
    requests = effort.pick(300, 30)
    with Server(ServerPlan("espeak", settings=SETTINGS), effort.folder) as server:
        bare = bare_times(rounds=effort.pick(40, 10))
        client = _OneClient()
        await client.connect(server.ws_url)
        for number in range(WARM_UP):
            await client.ask(f"warm-{number}", TEXTS[number % len(TEXTS)])
        whole, beyond = [], []
        for number in range(requests):
            text = TEXTS[number % len(TEXTS)]
            whole.append(await client.ask(f"turn-{number}", text))
            beyond.append(whole[-1] - bare[text].audible_s)
        await client.close()
    hops = await echo.round_trips(requests)
    median, p99 = percentile(beyond, 50), percentile(beyond, 99)
    return [
        Figure(
            what=f"first audible audio over WebSocket, espeak, beyond the bare library ({requests} requests)",
            reach=f"median <= {ms(MEDIAN_REACH_S)}, p99 <= {ms(P99_REACH_S)}",
            measured=f"median {ms(median)}, p99 {ms(p99)} (whole: median {ms(percentile(whole, 50))})",
            yardstick=f"bare library {ms(percentile([b.audible_s for b in bare.values()], 50))}; "
            f"an echo through two processes: median {ms(percentile(hops, 50))}, p99 {ms(percentile(hops, 99))}",
            ok=median <= MEDIAN_REACH_S and p99 <= P99_REACH_S,
        )
    ]
