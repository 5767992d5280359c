"""A server that announces Wyoming is found by the zeroconf library's own browser, on the loopback interface."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from wyoming.client import AsyncTcpClient
from wyoming.info import Describe, Info
from zeroconf import ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from tests.e2e.talk import WAIT_S
from tests.fakes.server_process import ServerPool, free_port

SERVICE = "_wyoming._tcp.local."
FOUND = tuple[ServiceStateChange, str]


class Watcher:
    """What comes and goes, of one port."""

    def __init__(self, network: AsyncZeroconf) -> None:
        self.network = network
        self.seen: asyncio.Queue[FOUND] = asyncio.Queue()

    def note(self, zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        self.seen.put_nowait((state_change, name))

    async def address_of(self, name: str) -> tuple[str, int | None]:
        service = AsyncServiceInfo(SERVICE, name)
        assert await service.async_request(self.network.zeroconf, 1000 * WAIT_S)
        return service.parsed_addresses()[0], service.port

    async def found(self, port: int) -> str:
        """The name of what is announced there; others may be on the network."""
        async with asyncio.timeout(WAIT_S):
            while True:
                change, name = await self.seen.get()
                if change is ServiceStateChange.Added and (await self.address_of(name))[1] == port:
                    return name

    async def gone(self, name: str) -> None:
        async with asyncio.timeout(WAIT_S):
            while await self.seen.get() != (ServiceStateChange.Removed, name):
                pass


@asynccontextmanager
async def watching() -> AsyncIterator[Watcher]:
    network = AsyncZeroconf(interfaces=["127.0.0.1"])
    watcher = Watcher(network)
    browser = AsyncServiceBrowser(network.zeroconf, SERVICE, handlers=[watcher.note])
    yield watcher
    await browser.async_cancel()
    await network.async_close()


async def test_it_is_found_when_it_can_speak_and_gone_when_it_has_stopped(servers: ServerPool) -> None:
    port = free_port()
    server = servers.fresh(("tone",), wyoming=f"tcp://127.0.0.1:{port}", wyoming_announce=True)
    async with watching() as watcher:
        await asyncio.to_thread(server.start)
        try:
            name = await watcher.found(port)
            host, found_port = await watcher.address_of(name)
            async with AsyncTcpClient(host, found_port or 0, connect_timeout=WAIT_S, read_timeout=WAIT_S) as client:
                await client.write_event(Describe().event())
                event = await client.read_event()
        finally:
            await asyncio.to_thread(server.stop)
        assert event is not None and Info.from_event(event).tts[0].voices, "it has voices as soon as it is found"
        await watcher.gone(name)
    assert name.startswith("Syrinx on ")
