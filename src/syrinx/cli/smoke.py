"""``syrinx smoke``."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from syrinx.core.errors import ModelNotReady, SyrinxError

from .progress import StatusLine
from .sidecar_options import ANY_SIDECAR, SidecarOptions, WaitS

if TYPE_CHECKING:
    from syrinx.client.sidecar import Sidecar

    from .own_server import OwnServer
    from .sidecar_options import AnyServer
    from .smoke_checks import Check, Trial

OK = "SMOKE_TEST_OK"
QUIT_WAIT_S = 10.0
POLL_S = 0.1
TICK_S = 0.2


def smoke(
    *,
    sidecar: SidecarOptions = ANY_SIDECAR,
    ws_timeout_s: WaitS = 30.0,
    quit_on_success: Annotated[bool, Parameter(help="Have the server end when all went well.")] = False,
) -> int:
    """Try every promise of a server's sidecar API. Ends with SMOKE_TEST_OK, or says what failed and exits with 1."""
    with sidecar.server() as server:
        failed = asyncio.run(_try(sidecar, server, ws_timeout_s, quit_on_success))
        log = server.log_tail() if failed else ""
    if failed:
        print(
            *([log] if log else []), f"syrinx: the smoke test failed: {', '.join(failed)}.", sep="\n", file=sys.stderr
        )
        return 1
    print(OK)
    return 0


async def _try(
    sidecar: SidecarOptions, server: OwnServer | AnyServer, wait_s: float, quit_on_success: bool
) -> list[str]:
    from .smoke_checks import CHECKS, Trial

    async with contextlib.AsyncExitStack() as stack:
        api = await stack.enter_async_context(sidecar.client(server, wait_s))
        stranger = sidecar.client(server, wait_s, token=f"not-{server.token}") if server.token else None
        if stranger is not None:
            await stack.enter_async_context(stranger)
        trial = Trial(api, stranger)
        failed: list[str] = []
        for name, check in CHECKS:
            try:
                print(f"ok    {name}: {await _with_line(name, check, trial)}", flush=True)
            except SyrinxError as error:
                print(f"FAIL  {name}: {error}", flush=True)
                failed.append(name)
                if check is CHECKS[0][1]:
                    return failed  # there is no server, or it is not this kind: nothing else can be learned
        if quit_on_success and not failed:
            await api.quit()
            await _gone(api)
        return failed


async def _with_line(name: str, check: Check, trial: Trial) -> str:
    """Make one check, telling which while it lasts."""
    line, making = StatusLine(), asyncio.ensure_future(check(trial))
    try:
        while not making.done():
            await asyncio.wait([making], timeout=TICK_S)
            line.show(f"Checking {name}")
        return making.result()
    finally:
        making.cancel()
        line.clear()


async def _gone(api: Sidecar) -> None:
    """Wait until a server that was told to quit answers no more. Raises ``SyrinxError`` if it still does."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(QUIT_WAIT_S):
            while True:
                try:
                    await api.health()
                except ModelNotReady:
                    return
                await asyncio.sleep(POLL_S)
    raise SyrinxError("The server was told to quit and still answers.")
