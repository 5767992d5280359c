"""First audible audio in every dialect, asked in turn of one server: none is a second-class citizen."""

from __future__ import annotations

from contextlib import AsyncExitStack

from bench import echo
from bench.dialects import Asker, SidecarAsker, every_dialect
from bench.figure import Effort, Figure
from bench.harness import Server, ServerPlan, ms, percentile
from bench.measures.bare_espeak import TEXTS

WARM_UP = 5
SPREAD_REACH_S = 0.002
SETTINGS = {"max_lead_s": 0, "response_cache": "off"}


async def measure(effort: Effort) -> list[Figure]:
    """Each dialect asks for each text in turn; the medians are compared."""
    rounds = effort.pick(100, 10)
    dialects = every_dialect()
    times: dict[str, list[float]] = {dialect.name: [] for dialect in dialects}
    with Server(ServerPlan("espeak", settings=SETTINGS), effort.folder) as server:
        async with AsyncExitStack() as opened:
            for dialect in dialects:
                await dialect.open(server.port)
                opened.push_async_callback(dialect.close)
            for number in range(WARM_UP + rounds):
                for dialect in dialects:
                    took = await dialect.ask(TEXTS[number % len(TEXTS)])
                    times[dialect.name] += [took] if number >= WARM_UP else []
    hops = await echo.round_trips(rounds)
    medians = {name: percentile(took, 50) for name, took in times.items()}
    spread = max(medians.values()) - min(medians.values())
    shown = ", ".join(f"{name} {ms(median)}" for name, median in sorted(medians.items(), key=lambda item: item[1]))
    return [
        Figure(
            what=f"first audible audio of {len(medians)} dialects, espeak, slowest minus fastest median (of {rounds})",
            reach=f"<= {ms(SPREAD_REACH_S)}",
            measured=f"{ms(spread)} ({shown})",
            yardstick=f"opening the sidecar's WebSocket, part of its time: {ms(_handshake(dialects))}; "
            f"an echo through two processes: {ms(percentile(hops, 50))}",
            ok=spread <= SPREAD_REACH_S,
        )
    ]


def _handshake(dialects: list[Asker]) -> float:
    return percentile([took for each in dialects if isinstance(each, SidecarAsker) for took in each.handshakes], 50)
