"""Tells the local network by multicast DNS that Wyoming is spoken here, so that Home Assistant offers it by itself.

Needs the extra ``zeroconf``. The kind of service is that of the ``wyoming`` package (``wyoming/zeroconf.py``).
"""

from __future__ import annotations

import asyncio
import importlib.util
import ipaddress
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import psutil
import structlog

from syrinx.core.errors import ConfigError
from syrinx.server.stream_address import read_address

if TYPE_CHECKING:
    from syrinx.config import Settings

_log = structlog.get_logger("syrinx.wyoming")

SERVICE = "_wyoming._tcp.local."
POLL_S = 0.1
MAX_LABEL_BYTES = 63
"""RFC 1035, 2.3.4."""
ROOM_BYTES = 16
"""Of a label, for what stands around the machine's name and for the number behind a name that another has taken."""


def check_announcement(settings: Settings) -> None:
    """Refuse to announce what is not there. Raises ``ConfigError``."""
    if not settings.wyoming_announce:
        return
    if not settings.wyoming or read_address(settings.wyoming).path is not None:
        raise ConfigError("wyoming_announce needs a TCP address in the setting wyoming, such as tcp://0.0.0.0:10200.")
    if importlib.util.find_spec("zeroconf") is None:
        raise ConfigError("wyoming_announce needs the package zeroconf: pip install 'syrinx-tts[zeroconf]'.")


@asynccontextmanager
async def wyoming_announced(listener: socket.socket, ready: Callable[[], bool]) -> AsyncGenerator[None, None]:
    """Announce ``listener`` until the block ends, from the moment ``ready`` says that there are voices: who finds it
    asks for them at once, and only once."""
    announcing = asyncio.create_task(_announce(listener, ready), name="announce wyoming")
    try:
        yield
    finally:
        announcing.cancel()
        await asyncio.gather(announcing, return_exceptions=True)


async def _announce(listener: socket.socket, ready: Callable[[], bool]) -> None:
    from zeroconf import Error
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

    while not ready():  # noqa: ASYNC110 - asked ten times a second until a model is loaded, and then no more
        await asyncio.sleep(POLL_S)
    host, port = listener.getsockname()[:2]
    addresses = addresses_of(host, listener.family)
    name = socket.gethostname().partition(".")[0].encode()[: MAX_LABEL_BYTES - ROOM_BYTES].decode(errors="ignore")
    service = AsyncServiceInfo(
        SERVICE, f"Syrinx on {name}.{SERVICE}", port=port, server=f"{name}-syrinx.local.", parsed_addresses=addresses
    )
    try:
        network = AsyncZeroconf(interfaces=addresses)
        try:
            await (await network.async_register_service(service, allow_name_change=True))
            _log.info("wyoming_announced", name=service.name, addresses=addresses, port=port)
            await asyncio.Event().wait()
        finally:
            await network.async_unregister_all_services()
            await network.async_close()
    except (OSError, Error) as error:  # a machine without a network speaks all the same
        _log.warning("wyoming_not_announced", error=repr(error))


def addresses_of(host: str, family: int) -> list[str]:
    """Where a listener is reached that is bound to ``host``: there, or at every address of this machine that others
    reach, if that is none in particular."""
    if not ipaddress.ip_address(host).is_unspecified:
        return [host]
    found = [entry.address for entries in psutil.net_if_addrs().values() for entry in entries if entry.family == family]
    outside = [address for address in found if _is_reached(address)]
    return outside or found


def _is_reached(address: str) -> bool:
    parsed = ipaddress.ip_address(address.partition("%")[0])
    return not parsed.is_loopback and not parsed.is_link_local
