"""First audible audio in every dialect, asked in turn of one server: none is a second-class citizen."""

from __future__ import annotations

import random
from contextlib import AsyncExitStack

from bench import echo
from bench.askers import Asker, SidecarAsker, WyomingAsker
from bench.dialects import RAW, every_dialect, server_settings
from bench.figure import Effort, Figure
from bench.harness import Server, ServerPlan, free_port, ms, percentile
from bench.measures.bare_espeak import TEXTS

WARM_UP = 5
BEYOND_REACH_S = 0.002
SETTINGS = {"max_lead_s": 0, "response_cache": "off"}


async def measure(effort: Effort) -> list[Figure]:
    """Each dialect asks for each text in turn; the medians are compared with that of the raw one."""
    rounds = effort.pick(100, 10)
    dialects, shuffled = every_dialect(), random.Random(0)
    times: dict[str, list[float]] = {dialect.name: [] for dialect in dialects}
    wyoming_port = free_port()
    settings = {**SETTINGS, **server_settings(wyoming_port)}
    with Server(ServerPlan("espeak", settings=settings), effort.folder) as server:
        async with AsyncExitStack() as opened:
            for dialect in dialects:
                await dialect.open(wyoming_port if isinstance(dialect, WyomingAsker) else server.port)
                opened.push_async_callback(dialect.close)
            for number in range(WARM_UP + rounds):
                for dialect in shuffled.sample(dialects, len(dialects)):  # none is always behind the same one
                    took = await dialect.ask(TEXTS[number % len(TEXTS)])
                    times[dialect.name] += [took] if number >= WARM_UP else []
    hops = await echo.round_trips(rounds)
    medians = {name: percentile(took, 50) for name, took in times.items()}
    raw = medians.pop(RAW)
    beyond = {name: median - raw for name, median in medians.items()}
    shown = ", ".join(f"{name} {_signed(more)}" for name, more in sorted(beyond.items(), key=lambda item: item[1]))
    return [
        Figure(
            what=f"first audible audio of {len(beyond)} dialects, espeak, beyond the raw Realtime-style one's "
            f"(medians of {rounds})",
            reach=f"<= {_signed(BEYOND_REACH_S)} each",
            measured=f"largest {_signed(max(beyond.values()))} ({shown})",
            yardstick=f"the raw one {ms(raw)}; opening the sidecar's WebSocket, part of its time: "
            f"{ms(_handshake(dialects))}; an echo through two processes: {ms(percentile(hops, 50))}",
            ok=max(beyond.values()) <= BEYOND_REACH_S,
        )
    ]


def _signed(seconds: float) -> str:
    return f"{seconds * 1000:+.1f} ms"


def _handshake(dialects: list[Asker]) -> float:
    return percentile([took for each in dialects if isinstance(each, SidecarAsker) for took in each.handshakes], 50)
