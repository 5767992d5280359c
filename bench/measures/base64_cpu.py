"""What base64 in JSON costs the server over binary messages, both with the same framing on the same path."""

from __future__ import annotations

from bench.askers import SocketAsker
from bench.dialects import orpheus, realtime
from bench.figure import Effort, Figure
from bench.harness import RATE, Server, ServerPlan, percentile

REACH = 2.0
AUDIO_S = 120
TEXT = "{{long " + str(AUDIO_S) + "}}"
OPTIONS = {"x_realtime": 400}
"""Faster than anybody listens, so that what is measured is work and not waiting."""
SETTINGS = {"max_lead_s": 0, "response_cache": "off"}
BYTES_A_SECOND = 2 * RATE


async def measure(effort: Effort) -> list[Figure]:
    """The same speech in turn over one socket of each; processor time is that of the server process alone."""
    rounds = effort.pick(10, 2)
    text, binary = realtime(), orpheus()
    spent: dict[str, list[float]] = {text.name: [], binary.name: []}
    with Server(ServerPlan("tone", options=OPTIONS, settings=SETTINGS), effort.folder) as server:
        for client in (text, binary):
            await client.open(server.port)
            await client.ask(TEXT)  # warm
        for _ in range(rounds):
            for client in (text, binary):
                spent[client.name].append(await _cpu_s(server, client) / AUDIO_S)
        for client in (text, binary):
            await client.close()
    json_s, binary_s = percentile(spent[text.name], 50), percentile(spent[binary.name], 50)
    return [
        Figure(
            what=f"processor time of the server per second of audio sent, base64 in JSON over binary "
            f"(median of {rounds} x {AUDIO_S} s)",
            reach=f"<= {REACH:.0f}x",
            measured=f"{json_s / binary_s:.2f}x ({json_s * 1e6:.0f} us a second of audio)",
            yardstick=f"binary: {binary_s * 1e6:.0f} us; {BYTES_A_SECOND} bytes a second of audio",
            ok=json_s <= REACH * binary_s,
        )
    ]


async def _cpu_s(server: Server, client: SocketAsker) -> float:
    before = server.cpu_s()
    await client.ask(TEXT)
    return server.cpu_s() - before
