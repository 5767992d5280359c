"""Connections that come and go at a cap: every place must come back, however its client left."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from bench.figure import Effort, Figure
from bench.harness import HOST, Server, ServerPlan

CAP = 50
CYCLES, DROPS, REFUSED = 60, 5, 20
WAIT_S = 20.0
PATHS = ("/v1/stream/tts", "/v1/audio/speech/stream/ws")
OPTIONS = {"x_realtime": 20}


async def measure(effort: Effort) -> list[Figure]:
    """Cycle, drop and be refused on each path, then fill the server to its cap to see that all places are there."""
    settings = {"max_connections": CAP, "max_concurrent_jobs": CAP}
    with Server(ServerPlan("tone", options=OPTIONS, settings=settings), effort.folder) as server:
        served = [await _one_path(server.port, path) for path in PATHS]
        full = await _places(server.port)
    lost = CAP - full
    return [
        Figure(
            what=f"{CYCLES} connections one after the other at a cap of {CAP}, {DROPS} dropped in mid-stream, "
            f"{REFUSED} refused requests, on {len(PATHS)} dialects",
            reach="no place lost, the next request served",
            measured=f"{lost} places lost, next request served: {'yes' if all(served) else 'NO'}",
            yardstick=f"{CAP} connections open at once before, the next one refused",
            ok=all(served) and lost == 0,
        )
    ]


def _url(port: int, path: str) -> str:
    return f"ws://{HOST}:{port}{path}"


async def _one_path(port: int, path: str) -> bool:
    for _ in range(CYCLES):
        async with connect(_url(port, path), proxy=None):
            pass
    for _ in range(DROPS):
        link = await connect(_url(port, path), proxy=None, max_size=None)
        await _ask(link, path, "{{long 60}}")
        await asyncio.wait_for(link.recv(), WAIT_S)
        link.transport.abort()
    async with connect(_url(port, path), proxy=None) as link:
        for _ in range(REFUSED):
            await _ask(link, path, "Hello.", voice="nobody")
            answer = await asyncio.wait_for(link.recv(), WAIT_S)
            if isinstance(answer, bytes) or "error" not in json.loads(answer)["type"]:
                return False
        await _ask(link, path, "Hello.")
        return await _finishes(link)


async def _ask(link: ClientConnection, path: str, text: str, voice: str | None = None) -> None:
    request: dict[str, Any] = (
        {"type": "synthesize", "text": text, "voice_id": voice or "default"}
        if path == PATHS[0]
        else {"type": "response.create", "input": text, "voice": voice}
    )
    await link.send(json.dumps(request))


async def _finishes(link: ClientConnection) -> bool:
    async with asyncio.timeout(WAIT_S):
        async for message in link:
            if isinstance(message, str):
                kind = json.loads(message)["type"]
                if kind in ("synthesis_complete", "response.completed"):
                    return True
                if "error" in kind:
                    return False
    return False


async def _places(port: int) -> int:
    """How many connections the server takes at once; dropped ones may need a moment to be noticed."""
    taken = 0
    for _ in range(20):
        links = [await connect(_url(port, PATHS[0]), proxy=None) for _ in range(CAP + 1)]
        await asyncio.sleep(0.2)
        taken = sum(link.close_code is None for link in links)
        await asyncio.gather(*(link.close() for link in links))
        if taken >= CAP:
            break
        await asyncio.sleep(0.2)
    return taken
