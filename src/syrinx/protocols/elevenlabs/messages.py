"""ElevenLabs' messages of sound: those of its sockets, and the JSON of its HTTP routes with timestamps."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from syrinx.core.types import EncodedAudio, Marks, ServerEvent
from syrinx.protocols.elevenlabs.alignment import CharacterClock, Heard

_encode = msgspec.json.Encoder().encode


class _Chars(msgspec.Struct, omit_defaults=True):
    """Alignment on a socket."""

    chars: list[str]
    charStartTimesMs: list[int]
    charDurationsMs: list[int]
    estimated: bool = False
    """Ours: the times were derived from lengths and not reported by the model."""


class _Message(msgspec.Struct):
    """Sound on a socket."""

    audio: bytes
    """Base64 on the wire."""
    isFinal: bool | None
    alignment: _Chars | None
    normalizedAlignment: _Chars | None
    contextId: str | msgspec.UnsetType = msgspec.UNSET


def sound_message(data: bytes, heard: Heard | None, context_id: str | None, *, absolute: bool) -> str:
    """Render audio with the characters that begin in it. ``absolute``: times count from the utterance's first sample,
    as LiveKit reads them, and not from the end of the characters told before, as Pipecat does."""
    chars = None if heard is None else _chars(heard, 0 if absolute else heard.since_ms)
    return _encode(_Message(data, None, chars, chars, _named(context_id))).decode()


def final_message(context_id: str | None, interrupted: Mapping[str, Any] | None = None) -> str:
    """Render the last message of an utterance; ``interrupted``: what of its text was heard, where it was stopped."""
    final = _Message(b"", True, None, None, _named(context_id))
    if not interrupted:
        return _encode(final).decode()
    return _encode({**msgspec.to_builtins(final), **interrupted}).decode()


def _chars(heard: Heard, since_ms: int) -> _Chars:
    starts = [start - since_ms for start in heard.starts_ms]
    return _Chars(heard.chars, starts, heard.durations_ms, heard.estimated)


def _named(context_id: str | None) -> str | msgspec.UnsetType:
    return msgspec.UNSET if context_id is None else context_id


# --- HTTP with timestamps --------------------------------------------------------------------------------------------


class _Characters(msgspec.Struct, omit_defaults=True):
    """Alignment over HTTP."""

    characters: list[str]
    character_start_times_seconds: list[float]
    character_end_times_seconds: list[float]
    estimated: bool = False
    """As in ``_Chars``."""


class _Chunk(msgspec.Struct):
    audio_base64: bytes
    alignment: _Characters | None
    normalized_alignment: _Characters | None


class TimedChunks:
    """``/stream/with-timestamps``: a line of JSON for each piece of audio. Times count from the first sample."""

    def __init__(self, text: str) -> None:
        self._clock = CharacterClock()
        self._clock.add_text(text)

    def note(self, event: ServerEvent) -> None:
        """Called with every event before the audio among them is rendered."""
        if isinstance(event, Marks):
            self._clock.add_marks(event.marks)

    def piece(self, audio: EncodedAudio) -> bytes:
        """A piece of audio with the characters that begin in it."""
        return _line(audio.data, self._clock.pass_audio(audio.duration_s))

    def end(self) -> bytes:
        """The characters that are left."""
        rest = self._clock.finish()
        return b"" if rest is None else _line(b"", rest)


class TimedWhole(TimedChunks):
    """``/with-timestamps``: one object, whose audio is written as it comes and whose times follow."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._begun = False
        self._odd = b""
        """Bytes that do not fill a group of base64."""
        self._heard: list[Heard] = []

    def piece(self, audio: EncodedAudio) -> bytes:
        """A piece of audio in base64."""
        self._keep(self._clock.pass_audio(audio.duration_s))
        data = self._odd + audio.data
        whole = len(data) - len(data) % 3
        self._odd = data[whole:]
        return self._head() + base64.b64encode(data[:whole])

    def end(self) -> bytes:
        """The last bytes of audio, and the times of all characters."""
        self._keep(self._clock.finish())
        chars = [char for heard in self._heard for char in heard.chars]
        starts = [start for heard in self._heard for start in heard.starts_ms]
        estimated = any(heard.estimated for heard in self._heard)
        times = _encode(_characters(Heard(chars, starts, self._clock.audio_ms, 0, estimated)))
        tail = b'","alignment":' + times + b',"normalized_alignment":' + times + b"}"
        return self._head() + base64.b64encode(self._odd) + tail

    def _keep(self, heard: Heard | None) -> None:
        if heard is not None:
            self._heard.append(heard)

    def _head(self) -> bytes:
        begun, self._begun = self._begun, True
        return b"" if begun else b'{"audio_base64":"'


def _line(data: bytes, heard: Heard | None) -> bytes:
    times = None if heard is None else _characters(heard)
    return _encode(_Chunk(data, times, times)) + b"\n"


def _characters(heard: Heard) -> _Characters:
    ends = [start + duration for start, duration in zip(heard.starts_ms, heard.durations_ms, strict=True)]
    return _Characters(
        heard.chars, [start / 1000 for start in heard.starts_ms], [end / 1000 for end in ends], heard.estimated
    )
