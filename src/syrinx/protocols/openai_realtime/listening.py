"""What the client's microphone sends: read, measured, and forgotten. There is nobody here to write it down."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from syrinx.audio.encode import container
from syrinx.audio.g711 import decode_alaw, decode_mulaw
from syrinx.core.errors import InvalidRequest
from syrinx.core.ids import new_id
from syrinx.core.types import AudioFormat
from syrinx.protocols.jsonwire import Fields, string
from syrinx.protocols.openai_realtime.conversation import Item

_TO_PCM = {"pcm_s16le": bytes, "mulaw": decode_mulaw, "alaw": decode_alaw}


def audio_of(fields: Fields, audio: AudioFormat) -> bytes:
    """The audio of an ``input_audio_buffer.append``, as it is sent. Raises ``InvalidRequest``."""
    value = string(fields, "audio")
    if value is None:
        raise InvalidRequest("'audio' is missing.", code="missing_required_parameter", param="audio")
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest("'audio' is not base64.", code="invalid_value", param="audio") from None
    if len(data) % container(audio.container).bytes_per_sample:
        raise InvalidRequest("'audio' ends in the middle of a sample.", code="invalid_value", param="audio")
    return data


def pcm_of(data: bytes, audio: AudioFormat) -> bytes:
    """16-bit little-endian samples of what was sent."""
    return _TO_PCM[audio.container](data)


@dataclass(slots=True)
class InputBuffer:
    """What was appended since the last commit."""

    bytes: int = 0

    def append(self, fields: Fields, audio: AudioFormat) -> bytes:
        """Take a message's audio; returns it. Raises ``InvalidRequest``."""
        data = audio_of(fields, audio)
        self.bytes += len(data)
        return data

    def commit(self) -> Item:
        """Make an item of it. Raises ``InvalidRequest`` where it is empty."""
        if not self.bytes:
            raise InvalidRequest("The input audio buffer is empty.", code="input_audio_buffer_commit_empty")
        self.clear()
        return audio_item(new_id("item"))

    def clear(self) -> None:
        """Begin anew."""
        self.bytes = 0


def audio_item(item_id: str) -> Item:
    """The item of what a listener said: nothing is known of it but that."""
    return Item(item_id, "user", [{"type": "input_audio", "transcript": None}])
