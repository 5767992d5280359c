"""The Realtime-style WebSocket dialect (``/v1/audio/speech/stream/ws``) as a pure codec.

Shapes follow the Kokoro realtime server that defined it; ``docs/protocols/realtime.md`` has every message and says
where and why we differ. Nothing is decided before the first message, so that a dispatcher may choose by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

from syrinx.core.errors import EmptyText, InvalidRequest, ModelNotReady, Overloaded, SyrinxError, TextTooLong
from syrinx.core.ids import new_id
from syrinx.core.types import (
    Append,
    Audio,
    AudioFormat,
    Barge,
    Cancel,
    Delivery,
    End,
    Failed,
    Finished,
    FinishReason,
    Interrupted,
    Marks,
    Open,
    ServerEvent,
    SpeechRequest,
    Started,
)
from syrinx.protocols.base import Action, Close, Drain, Reply
from syrinx.protocols.interruption import heard_fields, played_of
from syrinx.protocols.jsonwire import Fields, cache_of, first_of, flag, kind, read_object, string
from syrinx.protocols.realtime.fields import (
    audio_fields,
    audio_of,
    delivery_of,
    id_of,
    marks_of,
    speed_of,
    text_of,
    voice_of,
)
from syrinx.protocols.realtime.messages import (
    Canceled,
    Completed,
    Created,
    Delta,
    Refused,
    SessionUpdated,
    Stopped,
    error_reply,
    marked,
    reply,
)

PCM_24K = AudioFormat("pcm_s16le", 24_000)
"""What is sent until a client asks for another format."""

VoiceCheck = Callable[[str | None, str | None], object]
"""Called with (model, voice); raises ``VoiceNotFound``, ``ModelNotFound`` or ``ModelNotReady``."""


@dataclass(frozen=True, slots=True)
class RealtimePolicy:
    """What the operator set."""

    max_words: int = 150
    """Of a ``response.create``; 0: no limit. What grows by pieces is as long as its author goes on."""
    max_chars: int = 200_000
    max_pending: int = 128
    """Responses of one connection, queued ones included."""
    default_speed: float = 1.0
    prime_bytes: int = 0
    """Silence before the first delta of a pcm response; even; 0: none."""
    audio: AudioFormat = PCM_24K
    opus_bitrate: int | None = None


@dataclass(slots=True)
class _Response:
    """What must be remembered of a response until it ends."""

    container: str
    chars: int = 0
    canceled: bool = False
    """A cancel is under way; its one answer is still to come."""

    def take(self, text: str, max_chars: int) -> None:
        """Count ``text``. Raises ``TextTooLong``, and then counts nothing of it."""
        chars = self.chars + len(text)
        if chars > max_chars:
            raise TextTooLong(max_chars, chars)
        self.chars = chars


class RealtimeCodec:
    """One connection. ``check_voice`` answers from what is loaded; it must not block."""

    ordered = True

    def __init__(self, policy: RealtimePolicy, check_voice: VoiceCheck) -> None:
        self._policy = policy
        self._check_voice = check_voice
        self._defaults = SpeechRequest(delivery=Delivery(speed=policy.default_speed), audio=policy.audio)
        self._format_name = "pcm"
        self._marks = False
        self._live: dict[str, _Response] = {}
        self._input: str | None = None
        self._ending = False
        self._about: str | None = None
        self._opened: str | None = None
        self._asked_what_was_heard = False
        """Of responses that were completed too, by the last barge."""

    def opened(self) -> list[Action]:
        """The dialect has no greeting."""
        return []

    def receive(self, message: str | bytes) -> list[Action]:
        """Parse one message. Raises ``InvalidRequest``, to be answered with ``refuse``."""
        self._about = self._opened = None
        if isinstance(message, bytes):
            raise Refused("unexpected_binary", "This protocol takes JSON text messages only.")
        fields = read_object(message)
        name = fields.get("type")
        handler = self._HANDLERS.get(name) if isinstance(name, str) else None
        if handler is None:
            got = name[:100] if isinstance(name, str) else None if name is None else kind(name)
            raise Refused("unknown_type", "There is no such message type.", got=got)
        return handler(self, fields)

    def refuse(self, error: SyrinxError) -> list[Action]:
        """Answer ``response.error``; a response that the refused message opened is taken back."""
        actions: list[Action] = [error_reply(error, self._about)]
        if self._opened is not None and self._live.pop(self._opened, None) is not None:
            actions.append(Cancel(self._opened))
            self._input = None if self._input == self._opened else self._input
        return actions

    def render(self, event: ServerEvent) -> list[Reply | Close]:
        """Turn an engine event into messages; events of responses taken back give none."""
        if isinstance(event, Interrupted):
            return [reply(Stopped(event.utterance_id, **heard_fields(event)))] if self._asked_what_was_heard else []
        response = self._live.get(event.utterance_id)
        if response is None:
            return []
        if isinstance(event, Audio):
            return [reply(Delta(event.utterance_id, event.audio.data))] if event.audio.data else []
        if isinstance(event, Started):
            return self._begin(event, response)
        if isinstance(event, Marks):
            return [marked(event)] if self._marks and not response.canceled else []
        if isinstance(event, Finished | Failed):
            self._forget(event.utterance_id)
            return [_ended(event)]
        return []

    # --- messages --------------------------------------------------------------------------------------------------

    def _session_update(self, fields: Fields) -> list[Action]:
        session = fields.get("session")
        if session is not None and not isinstance(session, dict):
            raise InvalidRequest(f"'session' must be an object, not {kind(session)}.", param="session")
        merged = {**fields, **(session or {})}
        voice, model = voice_of(merged), string(merged, "model", code="invalid_model")
        request = replace(
            self._defaults,
            voice=voice or self._defaults.voice,
            model=model or self._defaults.model,
            delivery=delivery_of(merged, self._defaults.delivery),
        )
        if voice or model:
            self._check(request)
        marks = marks_of(merged, self._marks)
        name, audio = audio_of(merged, self._format_name, self._defaults.audio)
        audio = replace(audio, bitrate=self._policy.opus_bitrate if name == "opus" else None)
        self._defaults, self._format_name, self._marks = replace(request, audio=audio), name, marks
        return [reply(SessionUpdated(self._in_force()))]

    def _in_force(self) -> dict[str, Any]:
        """The defaults as the client is told them; ours only where they were set."""
        now, usual = self._defaults, Delivery(speed=self._policy.default_speed)
        return {
            "voice": now.voice,
            **({"model": now.model} if now.model else {}),
            "audio": {"format": self._format_name, "sample_rate": now.audio.sample_rate},
            **({"delivery": asdict(now.delivery)} if now.delivery != usual else {}),
            **({"marks": True} if self._marks else {}),
        }

    def _create(self, fields: Fields) -> list[Action]:
        response_id = self._new_response_id(fields, "req")
        text = text_of(first_of(fields, "input", "text", "instructions"))
        if not text.strip():
            raise EmptyText("There is nothing to speak.")
        response = _Response(self._defaults.audio.container)
        response.take(text, self._policy.max_chars)
        words = len(text.split())
        if self._policy.max_words and words > self._policy.max_words:
            raise TextTooLong(self._policy.max_words, words, "words")
        request = self._request(fields)
        return [*self._open(response_id, response, request), Append(response_id, text), End(response_id)]

    def _append(self, fields: Fields) -> list[Action]:
        text = text_of(fields.get("text"))
        if self._input is None and (self._ending or not text.strip()):
            return self._append_to_nothing(text)
        if not text:
            return []
        if self._input is not None:
            self._live[self._input].take(text, self._policy.max_chars)
            return [Append(self._input, text)]
        response_id = self._new_response_id(fields, "utt")
        response = _Response(self._defaults.audio.container)
        response.take(text, self._policy.max_chars)
        actions = self._open(response_id, response, self._request(fields))
        self._input = response_id
        return [*actions, Append(response_id, text)]

    def _append_to_nothing(self, text: str) -> list[Action]:
        """White space opens no utterance; after ``session.end`` nothing does."""
        if self._ending:
            raise Refused("session_ended", "The session has ended; it takes no more text.")
        return []

    def _commit(self, _: Fields) -> list[Action]:
        if self._input is None:
            raise EmptyText("There is no input to commit.")
        committed, self._input = self._input, None
        return [End(committed)]

    def _cancel(self, fields: Fields) -> list[Action]:
        response_id, played_s = id_of(fields, "response", "response_id"), played_of(fields)
        if response_id is None:
            response_id = next((name for name, response in self._live.items() if not response.canceled), None)
        self._about = response_id
        if response_id is None or response_id not in self._live:
            raise Refused("unknown_response", "No such response is active or queued; it may have ended already.")
        fresh = self._stop([response_id])
        return [Cancel(response_id, played_s)] if fresh else []

    def _barge(self, fields: Fields) -> list[Action]:
        """Stop all. What the client has of finished ones is not heard either."""
        response_id, played_s = id_of(fields, "response", "response_id"), played_of(fields)
        if played_s is not None and response_id is None:
            raise InvalidRequest("'played_s' needs the 'response' that is being played.", param="response")
        self._asked_what_was_heard = flag(fields, "heard", default=response_id is not None)
        self._stop(list(self._live))
        return [Barge(response_id, played_s)]

    def _end_session(self, _: Fields) -> list[Action]:
        ending, self._ending = self._ending, True
        if ending:
            return []
        pending, self._input = self._input, None
        return [*([End(pending)] if pending is not None else []), Drain()]

    _HANDLERS: ClassVar[dict[str, Callable[[RealtimeCodec, Fields], list[Action]]]] = {
        "session.update": _session_update,
        "response.create": _create,
        "response.cancel": _cancel,
        "input.append": _append,
        "input.commit": _commit,
        "barge": _barge,
        "session.end": _end_session,
    }

    # --- parts -----------------------------------------------------------------------------------------------------

    def _begin(self, event: Started, response: _Response) -> list[Reply | Close]:
        created: list[Reply | Close] = [reply(Created(event.utterance_id, event.model, event.voice))]
        if self._policy.prime_bytes and response.container == "pcm_s16le":
            created.append(reply(Delta(event.utterance_id, bytes(self._policy.prime_bytes))))
        return created

    def _new_response_id(self, fields: Fields, prefix: str) -> str:
        response_id = id_of(fields, "response_id", "id") or new_id(prefix)
        self._about = response_id
        if self._ending:
            raise Refused("session_ended", "The session has ended; it takes no more responses.")
        if response_id in self._live:
            raise Refused("duplicate_id", "A response of this id is active or queued.")
        if len(self._live) >= self._policy.max_pending:
            raise Overloaded(f"{len(self._live)} responses wait on this connection already.", retry_after_s=1.0)
        return response_id

    def _open(self, response_id: str, response: _Response, request: SpeechRequest) -> list[Action]:
        self._live[response_id] = response
        self._opened = response_id
        return [Open(response_id, request)]

    def _request(self, fields: Fields) -> SpeechRequest:
        """The connection's defaults with what this message says of voice, model, delivery and cache."""
        merged = {**audio_fields(fields), **{k: v for k, v in fields.items() if v is not None}}
        voice, model = voice_of(merged), string(merged, "model", code="invalid_model")
        usual = self._defaults.delivery
        request = replace(
            self._defaults,
            voice=voice or self._defaults.voice,
            model=model or self._defaults.model,
            delivery=delivery_of(fields, replace(usual, speed=speed_of(merged.get("speed"), usual.speed))),
            cache=cache_of(fields),
        )
        if voice or model:
            self._check(request)
        return request

    def _check(self, request: SpeechRequest) -> None:
        """Refuse an unknown voice at once. A model that is not loaded yet says so when the response runs."""
        try:
            self._check_voice(request.model, request.voice)
        except ModelNotReady:
            return

    def _stop(self, response_ids: list[str]) -> list[str]:
        """Note that these are being stopped; returns those that were not yet."""
        if self._input in response_ids:
            self._input = None
        fresh = [response_id for response_id in response_ids if not self._live[response_id].canceled]
        for response_id in fresh:
            self._live[response_id].canceled = True
        return fresh

    def _forget(self, response_id: str) -> None:
        del self._live[response_id]
        if self._input == response_id:
            self._input = None


def _ended(event: Finished | Failed) -> Reply:
    if isinstance(event, Failed):
        return error_reply(event.error, event.utterance_id)
    if event.reason is FinishReason.CANCELED:
        return reply(Canceled(event.utterance_id, **heard_fields(event)))
    return reply(Completed(event.utterance_id, round(event.audio_s, 6), event.samples))
