"""The Orpheus WebSocket dialect (``/v1/audio/speech/stream/ws``) in its two forms, as a pure codec.

The Veena server's form has its text in ``text``, that of its parent, orpheus-streaming, in ``input``; they differ in
how they put errors. Shapes follow those servers; ``docs/protocols/orpheus.md`` has every message and where we differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from syrinx.core.errors import InvalidRequest, SyrinxError, VoiceNotFound
from syrinx.core.types import (
    Append,
    Audio,
    AudioFormat,
    Cancel,
    End,
    Failed,
    Finished,
    FinishReason,
    Open,
    ServerEvent,
    ServiceClass,
    SpeechRequest,
    Started,
)
from syrinx.models.base import VoiceInfo
from syrinx.protocols.base import Action, Close, Drain, Reply
from syrinx.protocols.interruption import heard_fields, played_of
from syrinx.protocols.jsonwire import Fields, flag, kind, language_of, number, read_object, string
from syrinx.protocols.one_shot import OneShot, delivery_of, needed_text
from syrinx.protocols.options import Found, Resolve, with_options
from syrinx.protocols.turns import Turns

PCM_24K = AudioFormat("pcm_s16le", 24_000)
"""What both servers send."""
SAMPLING = {"temperature": (0.0, 2.0), "top_p": (0.01, 1.0)}
"""Ranges that vLLM, which both servers run on, takes (``SamplingParams``; it refuses a ``top_p`` of 0)."""
STAND_INS = {
    **{"tara": "alloy", "leah": "coral", "jess": "marin", "mia": "nova", "zoe": "sage", "julia": "shimmer"},
    **{"leo": "ash", "zac": "ballad"},
}
"""The parent's voices, which its clients send unasked, and OpenAI's voices of the same gender, of which every model has
its own; for models that have no voice of the first name."""
MAX_SEGMENT_ID_CHARS = 256

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class OrpheusPolicy:
    """What the operator set."""

    max_chars: int = 200_000
    default_speed: float = 1.0
    http_class: ServiceClass = ServiceClass.INTERACTIVE
    """How work over HTTP is scheduled; somebody always listens to the socket."""


@dataclass(frozen=True, slots=True)
class Form:
    """One of the two forms of the dialect."""

    text_field: str
    segment_id: str
    """Where a request names none."""
    lives_on: bool
    """True: errors have a type, and the connection stays; False: they say that all is done, and it closes."""

    def empty(self, segment_id: str | int) -> list[Reply | Close]:
        """The answer to a request without text."""
        if self.lives_on:
            return [_reply({"type": "error", "message": "Empty text", "code": "empty_text", "segment_id": segment_id})]
        return [_reply({"type": "no_op", "reason": "empty_input"})]

    def error(self, error: SyrinxError, segment_id: str | int | None) -> list[Reply | Close]:
        """The answer to a request that cannot be honoured."""
        about = {"code": error.code, **({} if segment_id is None else {"segment_id": segment_id})}
        if self.lives_on:
            return [_reply({"type": "error", "message": error.message, **about})]
        return [_reply({"error": error.message, "done": True, **about}), Close()]


VEENA = Form("text", "default", lives_on=True)
PARENT = Form("input", "no_segment_id", lives_on=False)
OWN_FIELDS = ("text", "input", "continue", "cancel", "segment_id")
"""What tells the dialect where there is no ``type``."""


def speaks(message: str | bytes) -> bool:
    """Whether a connection's first message is of this dialect."""
    if isinstance(message, bytes):
        return False
    try:
        fields = read_object(message)
    except InvalidRequest:
        return False
    return "type" not in fields and any(name in fields for name in OWN_FIELDS)


@dataclass(frozen=True, slots=True)
class _Segment:
    """What must be remembered of a request until it has ended."""

    segment_id: str | int
    form: Form
    not_applied: tuple[str, ...]


class OrpheusCodec:
    """One connection. Requests run, and are answered, in their order."""

    ordered = True

    def __init__(self, policy: OrpheusPolicy, resolve: Resolve) -> None:
        self._policy = policy
        self._resolve = resolve
        self._live: dict[str, _Segment] = {}
        self._turns = Turns()
        self._form = VEENA
        self._opened: str | None = None
        self._about: str | int | None = None
        self._count = 0
        self._last = False
        self._ending = False

    def opened(self) -> list[Action]:
        """The dialect has no greeting."""
        return []

    def receive(self, message: str | bytes) -> list[Action]:
        """Parse one message. Raises ``InvalidRequest``, to be answered with ``refuse``."""
        self._opened, self._about, self._last = None, None, False
        if isinstance(message, bytes):
            raise InvalidRequest("This protocol takes JSON text messages only.", code="unexpected_binary")
        fields = read_object(message)
        self._form = _form_of(fields, self._form)
        self._about = segment_id = _segment_id(fields)
        if flag(fields, "cancel", default=False):
            return self._cancel(segment_id, played_of(fields))
        if self._ending:
            raise InvalidRequest("The session has ended; it takes no more text.", code="session_ended")
        self._last = not flag(fields, "continue", default=True)
        return [*self._speak(fields, segment_id), *self._farewell()]

    def refuse(self, error: SyrinxError) -> list[Action]:
        """Answer with an error; a request that the refused message opened is taken back."""
        actions: list[Action] = []
        if self._opened is not None:
            self._live.pop(self._opened, None)
            actions = [Cancel(self._opened), *self._turns.end(self._opened)]
        return [*actions, *self._turns.say(self._form.error(error, self._about)), *self._farewell()]

    def render(self, event: ServerEvent) -> list[Reply | Close]:
        """Turn an engine event into messages; events of requests taken back give none."""
        segment = self._live.get(event.utterance_id)
        if segment is None:
            return []
        if isinstance(event, Audio):
            return [Reply(event.audio.data)] if event.audio.data else []
        if isinstance(event, Started):
            told = {"not_applied": segment.not_applied} if segment.not_applied else {}
            return [_reply({"type": "start", "segment_id": segment.segment_id, **told})]
        if isinstance(event, Finished | Failed):
            del self._live[event.utterance_id]
            return [*_ended(event, segment), *self._turns.end(event.utterance_id)]
        return []

    # --- messages --------------------------------------------------------------------------------------------------

    def _farewell(self) -> list[Action]:
        """Behind a message that says that it is the last, whatever became of it."""
        self._ending = self._ending or self._last
        return [Drain()] if self._last else []

    def _speak(self, fields: Fields, segment_id: str | int | None) -> list[Action]:
        """Open a request; nothing where there is no text and the message only says that it was the last."""
        name = self._form.text_field
        self._about = segment_id = self._form.segment_id if segment_id is None else segment_id
        text = string(fields, name) or ""
        if not text.strip():
            return [] if self._last else [*self._turns.say(self._form.empty(segment_id))]
        call = _call(fields, name, self._policy, self._resolve)
        self._count += 1
        self._opened = utterance_id = str(self._count)
        self._live[utterance_id] = _Segment(segment_id, self._form, call.not_applied)
        self._turns.begin(utterance_id)
        return [Open(utterance_id, call.request), Append(utterance_id, call.text), End(utterance_id)]

    def _cancel(self, segment_id: str | int | None, played_s: float | None) -> list[Action]:
        """Stop the requests of that id, or all; those that wait go first, so that none of them starts. The first of
        them is the one that the client says to have played for so long."""
        named = [name for name, live in self._live.items() if segment_id in (None, live.segment_id)]
        if not named and segment_id is not None:
            raise InvalidRequest("No such segment is being spoken; it may have ended.", code="unknown_segment")
        return [Cancel(name, played_s if name == named[0] else None) for name in reversed(named)]


def parse_stream(body: bytes, policy: OrpheusPolicy, resolve: Resolve) -> OneShot:
    """Parse the body of ``POST /v1/audio/speech/stream``. Unknown fields are ignored.

    Raises ``InvalidRequest`` or one of its kinds, and ``ModelNotReady``.
    """
    fields = read_object(body)
    call = _call(fields, _form_of(fields, VEENA).text_field, policy, resolve)
    return replace(call, request=replace(call.request, service_class=policy.http_class))


def _call(fields: Fields, text_field: str, policy: OrpheusPolicy, resolve: Resolve) -> OneShot:
    text = needed_text(fields, text_field, policy.max_chars)
    request = SpeechRequest(
        model=string(fields, "model") or None,
        voice=string(fields, "voice") or None,
        language=language_of(fields),
        delivery=delivery_of(fields, policy.default_speed),
        audio=PCM_24K,
    )
    asked = {name: number(fields, name, *limits) for name, limits in SAMPLING.items()}
    wanted = {name: value for name, value in asked.items() if value is not None}
    request, found = _resolved(request, resolve)
    request, left_out = with_options(request, wanted, found.info)
    return OneShot(text, request, left_out, text_field)


def _resolved(request: SpeechRequest, resolve: Resolve) -> tuple[SpeechRequest, Found]:
    try:
        return request, resolve(request.model, request.voice)
    except VoiceNotFound:
        if request.voice not in STAND_INS:
            raise
        request = replace(request, voice=STAND_INS[request.voice])
        return request, resolve(request.model, request.voice)


def _form_of(fields: Fields, last: Form) -> Form:
    return next((form for form in (VEENA, PARENT) if form.text_field in fields), last)


def _segment_id(fields: Fields) -> str | int | None:
    value = fields.get("segment_id")
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and len(value) <= MAX_SEGMENT_ID_CHARS:
        return value
    what = "a longer one" if isinstance(value, str) else kind(value)
    raise InvalidRequest(
        f"'segment_id' must be a string of at most {MAX_SEGMENT_ID_CHARS} characters, not {what}.", param="segment_id"
    )


def _ended(event: Finished | Failed, segment: _Segment) -> list[Reply | Close]:
    if isinstance(event, Failed):
        return segment.form.error(event.error, segment.segment_id)
    stopped = {"canceled": True, **heard_fields(event)} if event.reason is FinishReason.CANCELED else {}
    return [_reply({"type": "end", "segment_id": segment.segment_id, **stopped})]


def _reply(body: Mapping[str, Any]) -> Reply:
    return Reply(_encode(body).decode())


# --- the list of voices ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Speaker:
    """A voice to list."""

    name: str
    """What a request's ``voice`` takes."""
    voice: VoiceInfo
    is_default: bool = False


def speakers_body(speakers: Sequence[Speaker]) -> bytes:
    """Render ``GET /api/voices``."""
    default = next((speaker.name for speaker in speakers if speaker.is_default), None)
    entries = [
        {
            "name": speaker.name,
            "description": speaker.voice.description or speaker.voice.name,
            "language": speaker.voice.languages[0],
            "gender": speaker.voice.gender or "unknown",
            "accent": _accent(speaker.voice.languages[0]),
            "preview_url": None,
        }
        for speaker in speakers
    ]
    return _encode({"voices": entries, "default": default, "count": len(entries)})


def _accent(language: str) -> str | None:
    """The region of a language tag; None where it has none."""
    _, _, region = language.partition("-")
    return region or None
