"""The response cache's folder: who owns it now, and the name its index goes by in the database."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from syrinx.core.locks import try_lock

AUDIO = "audio"
"""Of the files themselves, below the cache's folder."""


class CacheFolder:
    """``<data>/cache``: taken by one process at a time, because another would remove its files as orphans."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock: int | None = None

    @property
    def audio(self) -> Path:
        return self._folder / AUDIO

    def take(self) -> str | None:
        """Make the folder and lock it; return its name, or None where another process has it. Raises ``OSError``."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        lock = os.open(self._folder / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        if not try_lock(lock):
            os.close(lock)
            return None
        try:
            name = self._name()
        except OSError:
            os.close(lock)
            raise
        self._lock = lock
        return name

    def release(self) -> None:
        """Let another process take it. Idempotent."""
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def _name(self) -> str:
        """A random name, made once: folders on several machines may share a database, and paths may be alike."""
        path = self._folder / "name"
        try:
            name = path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            name = ""
        if not name:
            name = secrets.token_hex(16)
            with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
                file.write(name + "\n")
        return name
