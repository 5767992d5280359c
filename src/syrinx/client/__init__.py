"""A small Python client of a Syrinx server: ``SpeechClient`` over HTTP, ``RealtimeSpeech`` over a WebSocket."""

from __future__ import annotations

from .events import Audio, Canceled, Completed, Created, RealtimeEvent, Refused, SessionUpdated, Unknown
from .http import Health, SpeechClient
from .realtime import RealtimeSpeech, SessionSetup

__all__ = [
    "Audio",
    "Canceled",
    "Completed",
    "Created",
    "Health",
    "RealtimeEvent",
    "RealtimeSpeech",
    "Refused",
    "SessionSetup",
    "SessionUpdated",
    "SpeechClient",
    "Unknown",
]
