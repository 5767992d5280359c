"""What a Wyoming server says of itself: one program with every voice (the ``wyoming`` package, ``info.py``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syrinx.protocols.offered import Offered
from syrinx.protocols.wyoming.frames import write_event

PROGRAM = "syrinx"
"""Home Assistant offers the first program only, so all models are in one."""


def info_event(voices: Sequence[Offered], version: str) -> bytes:
    """Render the answer to ``describe``; ``version`` is ours. The default voice stands first."""
    ordered = sorted(voices, key=lambda voice: not voice.is_default)
    program = {
        "name": PROGRAM,
        "attribution": {"name": "Syrinx", "url": ""},
        "installed": True,
        "description": "Streaming speech for every open voice",
        "version": version,
        "voices": [_voice(voice) for voice in ordered],
        "supports_synthesize_streaming": True,
    }
    return write_event(
        "info", {"asr": [], "tts": [program], "handle": [], "intent": [], "wake": [], "mic": [], "snd": []}
    )


def _voice(offered: Offered) -> dict[str, Any]:
    model = offered.model
    return {
        "name": offered.name,
        "attribution": {"name": f"{model.title} ({model.licence})", "url": ""},
        "installed": True,
        "description": f"{offered.voice.name} ({model.title})",
        "version": model.revision or None,
        "languages": list(offered.languages),
    }
