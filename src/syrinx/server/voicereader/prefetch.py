"""``POST /v1/models/prefetch``: one download at a time, in a process that ends where nobody waits any more."""

from __future__ import annotations

import asyncio
import os

from syrinx.core.errors import ModelNotReady
from syrinx.models.fetch import MODES, Places, command, environment, outcome
from syrinx.protocols.voicereader.answers import small_body

KEPT_BYTES = 65_536
"""Of the end of what the process says."""
FETCH_S = 6 * 3600.0
"""Longest wait for one model: 4 GB at 200 kB/s."""


class Prefetcher:
    """Fetches the sidecar's models into the data folder."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._turn = asyncio.Lock()
        self._running: asyncio.subprocess.Process | None = None
        self._closed = False

    async def fetch(self, mode: str) -> bytes:
        """Have all models of a mode; returns the answer's body. Raises ``ModelNotReady`` with the reason."""
        places = self._places
        async with self._turn:
            saved = {repo: str(await self._one(repo)) for repo in MODES[mode]}
        return small_body(
            ok=True,
            mode=mode,
            downloaded=list(saved),
            saved_to=saved,
            data_dir=str(places.data_dir.absolute()),
            models_dir=str(places.models),
            hf_cache_dir=str(places.cache),
        )

    def close(self) -> None:
        """End a download that runs, and begin no other."""
        self._closed = True
        self._end()

    def _end(self) -> None:
        if self._running is not None and self._running.returncode is None:
            self._running.kill()

    async def _one(self, repo: str) -> os.PathLike[str]:
        if (folder := self._places.model(repo)).is_dir():
            return folder
        quiet = {**environment(self._places, os.environ), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
        process = self._running = await asyncio.create_subprocess_exec(
            *command(repo, self._places),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=quiet,
        )
        try:
            assert process.stdout is not None, "it was asked for"
            if self._closed:
                self._end()
            said = b""
            async with asyncio.timeout(FETCH_S):
                while piece := await process.stdout.read(KEPT_BYTES):
                    said = (said + piece)[-KEPT_BYTES:]
                await process.wait()
        except TimeoutError:
            raise ModelNotReady(f"{repo} was not fetched within {FETCH_S:g} s.") from None
        finally:
            self._end()
            await process.wait()
            self._running = None
        return outcome(repo, said)
