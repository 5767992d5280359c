"""The least that any server with a model process takes: a message through two processes and back, nothing done to it.

``python -m bench.echo PORT`` answers with what it gets; ``python -m bench.echo PORT NEXT`` passes it on to port NEXT.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator
from typing import cast

from bench.harness import HOST, free_port

MESSAGE = b"x" * 256
"""About the size of a request for speech."""
WARM_UP = 20
CONNECT_TRIES, CONNECT_PAUSE_S = 200, 0.05
WAIT_S = 10.0


async def round_trips(count: int) -> list[float]:
    """Seconds that a message takes from here through a relay to an echo and back, ``count`` times."""
    async with _process() as last, _process(last) as first:
        reader, writer = await connect(first)
        times = []
        for _ in range(WARM_UP + count):
            began = time.perf_counter()
            writer.write(MESSAGE)
            async with asyncio.timeout(WAIT_S):
                await reader.readexactly(len(MESSAGE))
            times.append(time.perf_counter() - began)
        writer.close()
    return times[WARM_UP:]


async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to a process that is just starting. Raises ``RuntimeError`` if it never listens."""
    for _ in range(CONNECT_TRIES):
        with contextlib.suppress(OSError):
            return await asyncio.open_connection(HOST, port)
        await asyncio.sleep(CONNECT_PAUSE_S)
    raise RuntimeError(f"nothing listens on port {port}")


@contextlib.asynccontextmanager
async def _process(*to: int) -> AsyncIterator[int]:
    port = free_port()
    arguments = [str(number) for number in (port, *to)]
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.echo", *arguments)
    try:
        yield port
    finally:
        process.terminate()
        await process.wait()


class _Echo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._back = cast(asyncio.Transport, transport)  # uvloop's own class is no subclass of it

    def data_received(self, data: bytes) -> None:
        self._back.write(data)


async def _relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: int) -> None:
    next_reader, next_writer = await connect(to)
    while data := await reader.read(len(MESSAGE)):
        next_writer.write(data)
        writer.write(await next_reader.readexactly(len(data)))
    next_writer.close()
    writer.close()


async def _serve(port: int, to: int | None) -> None:
    if to is None:
        server = await asyncio.get_running_loop().create_server(_Echo, HOST, port)
    else:
        server = await asyncio.start_server(lambda reader, writer: _relay(reader, writer, to), HOST, port)
    await server.serve_forever()


def main() -> None:
    import uvloop

    port, *to = (int(word) for word in sys.argv[1:])
    uvloop.run(_serve(port, to[0] if to else None))


if __name__ == "__main__":
    main()
