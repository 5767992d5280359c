"""Cartesia's events of sound: messages of its socket, and the same as server-sent events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from syrinx.core.errors import SyrinxError
from syrinx.core.types import EncodedAudio, Finished, Marks, ServerEvent
from syrinx.protocols.cartesia.errors import error_event
from syrinx.protocols.cartesia.transcript import Transcript, Word

_encode = msgspec.json.Encoder().encode

PARTIAL = 206
"""``status_code`` of what is not the whole, and, at the vendor, of ``done`` too (API reference, TTS WebSocket)."""


class _Event(msgspec.Struct, tag_field="type"):
    context_id: str | None
    done: bool = False
    status_code: int = PARTIAL


class _Chunk(_Event, tag="chunk", kw_only=True):
    data: bytes
    """Base64 on the wire."""
    step_time: float = 0.0
    """Milliseconds that the vendor's model took; a codec has no clock, so it is not told."""
    flush_id: int | msgspec.UnsetType = msgspec.UNSET


class _WordTimestamps(msgspec.Struct, omit_defaults=True):
    words: list[str]
    start: list[float]
    """Seconds from the first sample of the context."""
    end: list[float]
    estimated: bool = False
    """Ours: times of a word among them were derived from lengths and not reported by the model."""


class _Timestamps(_Event, tag="timestamps", kw_only=True):
    word_timestamps: _WordTimestamps
    flush_id: int | msgspec.UnsetType = msgspec.UNSET


class _FlushDone(_Event, tag="flush_done", kw_only=True):
    flush_id: int
    flush_done: bool = True


class _Done(_Event, tag="done"):
    pass


def chunk(data: bytes, context_id: str | None, flush_id: int | None = None) -> bytes:
    """Render a piece of audio."""
    return _encode(_Chunk(context_id=context_id, data=data, flush_id=_or_unset(flush_id)))


def timestamps(words: Sequence[Word], context_id: str | None, flush_id: int | None = None) -> bytes:
    """Render when words are heard."""
    times = _WordTimestamps(
        [word.text for word in words],
        [round(word.start_s, 4) for word in words],
        [round(word.end_s, 4) for word in words],
        any(word.estimated for word in words),
    )
    return _encode(_Timestamps(context_id=context_id, word_timestamps=times, flush_id=_or_unset(flush_id)))


def flush_done(context_id: str, flush_id: int) -> bytes:
    """Render that all of the text up to a flush is spoken."""
    return _encode(_FlushDone(context_id=context_id, flush_id=flush_id))


def done(context_id: str | None, heard: Mapping[str, Any] | None = None) -> bytes:
    """Render the last event of a context; ``heard``: what of its text was heard, where it was stopped."""
    last = _Done(context_id, True)
    return _encode(last) if heard is None else _encode({**msgspec.to_builtins(last), **heard})


def error(cause: SyrinxError, context_id: str | None, request_id: str) -> bytes:
    """Render what went wrong."""
    return _encode(error_event(cause, context_id, request_id))


def _or_unset(value: int | None) -> int | msgspec.UnsetType:
    return msgspec.UNSET if value is None else value


# --- server-sent events ----------------------------------------------------------------------------------------------


class Events:
    """``/tts/sse``: one utterance, as events."""

    def __init__(self, text: str, context_id: str | None, request_id: str, *, with_words: bool) -> None:
        self._context_id = context_id
        self._request_id = request_id
        self._with_words = with_words
        self._transcript = Transcript()
        self._transcript.add(text)
        self._words: list[Word] = []

    def note(self, event: ServerEvent) -> None:
        """Called with every event before the audio among them is rendered."""
        if self._with_words and isinstance(event, Marks):
            self._words += self._transcript.words(event.marks)

    def piece(self, audio: EncodedAudio) -> bytes:
        """A piece of audio, behind the words that are heard in it."""
        return self._told() + _sse("chunk", chunk(audio.data, self._context_id))

    def end(self, call: object, finished: Finished) -> bytes:
        """The words that are left, and the end."""
        return self._told() + _sse("done", done(self._context_id))

    def broken(self, cause: SyrinxError) -> bytes:
        """What went wrong after the first audio."""
        fields: Mapping[str, Any] = error_event(cause, self._context_id, self._request_id)
        return _sse("error", _encode(fields))

    def _told(self) -> bytes:
        words, self._words = self._words, []
        return _sse("timestamps", timestamps(words, self._context_id)) if words else b""


def _sse(kind: str, data: bytes) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"
