"""The one engine of a program that wants just one."""

from __future__ import annotations

import threading

from syrinx.core.errors import ConfigError

from .config import TTSConfig
from .engine import TTSEngine


class _Shared:
    """Holds the engine; for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engine: TTSEngine | None = None

    def get(self, config: TTSConfig | None) -> TTSEngine:
        with self._lock:
            if self._engine is None:
                self._engine = TTSEngine(config)
            elif config is not None and config != self._engine.config:
                raise ConfigError("There is an engine with another configuration; shutdown_tts_engine() ends it first.")
            return self._engine

    def take(self) -> TTSEngine | None:
        with self._lock:
            engine, self._engine = self._engine, None
            return engine


_shared = _Shared()


async def get_tts_engine(config: TTSConfig | None = None) -> TTSEngine:
    """The engine of this program, made and initialised by the first call, whatever the thread or the event loop.

    ``config`` counts for the first call; later ones may leave it out. Raises ``ConfigError`` for another one, and as
    ``TTSEngine.initialize``.
    """
    engine = _shared.get(config)
    await engine.initialize()
    return engine


async def shutdown_tts_engine() -> None:
    """Clean that engine up; the next ``get_tts_engine`` makes a new one. Nothing happens where there is none."""
    engine = _shared.take()
    if engine is not None:
        await engine.cleanup()
