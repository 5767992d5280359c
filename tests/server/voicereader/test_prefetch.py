"""Downloads that the sidecar's clients ask for end with those who wait for them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from syrinx.core.errors import ModelNotReady
from syrinx.models.fetch import KYUTAI, Places
from syrinx.server.voicereader.prefetch import Prefetcher
from tests.fakes.live import until


@pytest.fixture
def silent_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One that takes connections and never says anything."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{listener.getsockname()[1]}")
        yield


def downloads() -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if "syrinx.models.fetch" in child.cmdline() and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
    return found


async def test_a_download_that_is_closed_breaks_off(silent_hub: None, tmp_path: Path) -> None:
    prefetcher = Prefetcher(Places(tmp_path))
    waiting = asyncio.create_task(prefetcher.fetch("kyutai"))
    await until(downloads)
    prefetcher.close()
    with pytest.raises(ModelNotReady, match="broke off"):
        await waiting
    await until(lambda: not downloads())


async def test_a_download_that_nobody_waits_for_ends(silent_hub: None, tmp_path: Path) -> None:
    waiting = asyncio.create_task(Prefetcher(Places(tmp_path)).fetch("kyutai"))
    await until(downloads)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await until(lambda: not downloads())


async def test_what_is_there_is_not_fetched(silent_hub: None, tmp_path: Path) -> None:
    places = Places(tmp_path)
    places.model(KYUTAI).mkdir(parents=True)
    assert KYUTAI.encode() in await Prefetcher(places).fetch("kyutai")
    assert not downloads()
