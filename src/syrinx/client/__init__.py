"""A small Python client of a Syrinx server.

``SpeechClient`` over HTTP, ``RealtimeSpeech`` over a WebSocket, ``Sidecar`` for the desktop sidecar's jobs.
"""

from __future__ import annotations

from .events import (
    Audio,
    Canceled,
    Completed,
    Created,
    Interrupted,
    Marks,
    RealtimeEvent,
    Refused,
    SessionUpdated,
    Unknown,
)
from .http import Health, SpeechClient
from .realtime import RealtimeSpeech, SessionSetup
from .sidecar import Job, Sidecar, SpeakRequest

__all__ = [
    "Audio",
    "Canceled",
    "Completed",
    "Created",
    "Health",
    "Interrupted",
    "Job",
    "Marks",
    "RealtimeEvent",
    "RealtimeSpeech",
    "Refused",
    "SessionSetup",
    "SessionUpdated",
    "Sidecar",
    "SpeakRequest",
    "SpeechClient",
    "Unknown",
]
