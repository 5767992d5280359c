"""Syrinx in a Python program: the engine behind a small class, in any event loop or none."""

from .config import TTSConfig
from .engine import Batch, TTSEngine
from .reading import BlockingSpeech, SpeechStream
from .shared import get_tts_engine, shutdown_tts_engine

__all__ = [
    "Batch",
    "BlockingSpeech",
    "SpeechStream",
    "TTSConfig",
    "TTSEngine",
    "get_tts_engine",
    "shutdown_tts_engine",
]
