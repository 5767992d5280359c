"""The two forms in which audio comes, each to PCM bytes as they arrive. Pure and total: ``ModelFailed`` or bytes."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, Protocol

from syrinx.core.errors import ModelFailed

from .refusals import told

MAX_EVENT_BYTES = 8_000_000
"""Of one event: two minutes of audio at 24 kHz, in Base64."""

_FILES = {
    b"RIFF": "a WAV",
    b"ID3": "an MP3",
    b"OggS": "an Ogg",
    b"fLaC": "a FLAC",
    b"\xff\xfb": "an MP3",
    b'{"': "a JSON",
}
"""How files begin that are no PCM."""


class Reader(Protocol):
    """Of one answer."""

    def feed(self, data: bytes) -> bytes:
        """Take what came; return the PCM in it."""
        ...

    def finish(self) -> bytes:
        """The answer ended, by its own account whole; return what was held back. Raises ``ModelFailed`` where it was
        not."""
        ...


class PcmReader:
    """The bytes are the audio, unless they begin as a file."""

    def __init__(self) -> None:
        self._head: bytes | None = b""

    def feed(self, data: bytes) -> bytes:
        if self._head is None:
            return data
        self._head += data
        if len(self._head) < 4:
            return b""
        found, self._head = self._head, None
        for magic, kind in _FILES.items():
            if found.startswith(magic):
                raise ModelFailed(f"The upstream sent {kind} file where PCM was asked for.")
        return found

    def finish(self) -> bytes:
        return self._head or b""


class EventReader:
    """Server-sent events: ``speech.audio.delta``, ``speech.audio.done``, and errors under both names they have."""

    def __init__(self) -> None:
        self._partial = b""
        self._data: list[bytes] = []
        self._done = False

    def feed(self, data: bytes) -> bytes:
        *lines, self._partial = (self._partial + data).split(b"\n")
        if len(self._partial) + sum(map(len, self._data)) > MAX_EVENT_BYTES:
            raise ModelFailed(f"The upstream sent an event of more than {MAX_EVENT_BYTES} bytes.")
        return b"".join(self._line(line.rstrip(b"\r")) for line in lines)

    def finish(self) -> bytes:
        if not self._done:
            raise ModelFailed("The upstream broke off: its events ended without speech.audio.done.")
        return b""

    def _line(self, line: bytes) -> bytes:
        """A line of the stream (WHATWG HTML, server-sent events): an empty one ends an event."""
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
        if line or not self._data:
            return b""
        data, self._data = b"\n".join(self._data), []
        return self._event(data)

    def _event(self, data: bytes) -> bytes:
        if data == b"[DONE]" or self._done:
            return b""
        try:
            event: Any = json.loads(data)
            kind = str(event["type"])
            if kind == "speech.audio.delta":
                return base64.b64decode(event["audio"], validate=True)
        except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
            raise ModelFailed("The upstream sent an event that cannot be read.") from None
        if kind in ("speech.audio.error", "error"):
            raise ModelFailed(f"The upstream failed: {told(data).message or 'it does not say why'}")
        self._done = kind == "speech.audio.done"
        return b""
