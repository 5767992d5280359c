"""Syrinx: one streaming speech server for every open voice. Importing this package is cheap and does nothing.

The Python API (``syrinx.api``) is imported when one of its names is first asked for.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from syrinx.api import TTSConfig, TTSEngine, get_tts_engine, shutdown_tts_engine

__version__ = "0.1.0"
__all__ = ["TTSConfig", "TTSEngine", "get_tts_engine", "shutdown_tts_engine"]


def __getattr__(name: str) -> object:
    if name in __all__:
        import importlib

        return getattr(importlib.import_module("syrinx.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
