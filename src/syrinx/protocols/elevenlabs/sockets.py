"""ElevenLabs' WebSockets as pure codecs: ``stream-input``, one utterance a connection, and ``multi-stream-input``, many
contexts side by side. ``docs/protocols/elevenlabs.md`` has every message and where we differ.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from syrinx.core.errors import InvalidRequest, ModelNotReady, Overloaded, SyrinxError, TextTooLong
from syrinx.core.types import (
    Adjust,
    Append,
    Audio,
    Cancel,
    Delivery,
    End,
    Failed,
    Finished,
    FinishReason,
    Flush,
    Marks,
    Open,
    ServerEvent,
    SpeechRequest,
)
from syrinx.protocols.base import Action, Close, Drain, Handshake, Reply
from syrinx.protocols.elevenlabs.alignment import CharacterClock, Heard
from syrinx.protocols.elevenlabs.errors import close_code, error_message
from syrinx.protocols.elevenlabs.messages import final_message, sound_message
from syrinx.protocols.elevenlabs.speech import (
    SETTINGS,
    ElevenLabsPolicy,
    opening,
    resolved,
    settings_of,
    speed_of,
)
from syrinx.protocols.interruption import heard_fields, played_of
from syrinx.protocols.jsonwire import Fields, flag, kind, read_object, string
from syrinx.protocols.options import Resolve, with_options

DEFAULT_CONTEXT = "default"
"""The context of messages that name none."""
MAX_CONTEXT_ID_CHARS = 256
QUIET_ENDS = ("empty_text", "text_timeout")
"""Codes of failures that are no fault: nothing of the text can be said, or none came any more. The context ends."""


@dataclass(slots=True)
class _Context:
    """What text may still be sent to."""

    context_id: str | None
    """None on the socket that has no contexts."""
    settings: Fields
    """``voice_settings`` of the message that opened it."""
    utterance_id: str | None = None
    """None until there is something to say."""
    chars: int = 0
    spaced: bool = True
    """What was sent last ends in white space."""
    settled: bool = False
    """The last word was to flush: what was sent is all of it, as far as the client is concerned."""


@dataclass(slots=True)
class _Speech:
    """What must be remembered of an utterance until it has ended."""

    context_id: str | None
    clock: CharacterClock = field(default_factory=CharacterClock)


class _Speaker:
    """What both sockets share: the request of the address, utterances and how they are told."""

    ordered = False

    def __init__(self, handshake: Handshake, policy: ElevenLabsPolicy, resolve: Resolve) -> None:
        self._policy = policy
        self._resolve = resolve
        self._auto = _is_true(handshake, "auto_mode")
        self._absolute = _is_true(handshake, "sync_alignment")
        self._refusal: SyrinxError | None = None
        self._request = SpeechRequest()
        self._live: dict[str, _Speech] = {}
        self._count = 0
        self._opened: _Context | None = None
        self._ending = False
        try:
            self._request = opening(handshake.query, handshake.path, policy)
            resolved(self._request, resolve)
        except ModelNotReady:
            pass  # it may be ready when there is something to say
        except SyrinxError as error:
            self._refusal = error

    def opened(self) -> list[Action]:
        """Nothing, or why this address cannot be spoken to, and the end."""
        if self._refusal is None:
            return []
        return [Reply(error_message(self._refusal)), Close(close_code(self._refusal), self._refusal.message[:100])]

    def render(self, event: ServerEvent) -> list[Reply | Close]:
        """Turn an engine event into messages; events of utterances taken back give none."""
        speech = self._live.get(event.utterance_id)
        if speech is None:
            return []
        if isinstance(event, Marks):
            speech.clock.add_marks(event.marks)
        elif isinstance(event, Audio):
            heard = speech.clock.pass_audio(event.audio.duration_s)
            return [self._sound(event.audio.data, heard, speech)]
        elif isinstance(event, Finished | Failed):
            del self._live[event.utterance_id]
            self._forget(event.utterance_id)
            return self._ended(event, speech)
        return []

    def _ended(self, event: Finished | Failed, speech: _Speech) -> list[Reply | Close]:
        if isinstance(event, Failed) and event.error.code not in QUIET_ENDS:
            return self._failed(event.error, speech)
        if isinstance(event, Finished) and event.reason is FinishReason.CANCELED:
            return [Reply(final_message(speech.context_id, heard_fields(event)))]
        rest = speech.clock.finish()
        last = [] if rest is None else [self._sound(b"", rest, speech)]
        return [*last, Reply(final_message(speech.context_id))]

    def _sound(self, data: bytes, heard: Heard | None, speech: _Speech) -> Reply:
        return Reply(sound_message(data, heard, speech.context_id, absolute=self._absolute))

    def _failed(self, error: SyrinxError, speech: _Speech) -> list[Reply | Close]:
        raise NotImplementedError

    def _forget(self, utterance_id: str) -> None:
        raise NotImplementedError

    # --- speaking --------------------------------------------------------------------------------------------------

    def _fields(self, message: str | bytes) -> Fields:
        self._opened = None
        if self._refusal is not None:
            raise self._refusal
        if isinstance(message, bytes):
            raise InvalidRequest("This protocol takes JSON text messages only.", code="unexpected_binary")
        return read_object(message)

    def _say(self, context: _Context, fields: Fields) -> list[Action]:
        """Speak the message's text, where it has some, and flush where it says so."""
        text, flush = string(fields, "text") or "", flag(fields, "flush", default=False)
        actions = self._adjust(context, fields) if context.utterance_id else []
        has_words = bool(text.strip())
        if has_words and context.utterance_id is None:
            actions += self._start(context)
        if context.utterance_id is None:
            return []  # white space before the first word
        at_once = self._auto and has_words
        if text or not flush:
            actions += self._append(context, text if not at_once or text[-1].isspace() else text + " ")
        if flush or at_once:
            actions.append(Flush(context.utterance_id))
        # With auto_mode everything is spoken at once: a flush beside words says no more than the words do.
        context.settled = (flush and not at_once) or (context.settled and not has_words)
        return actions

    def _start(self, context: _Context) -> list[Action]:
        request, found = resolved(self._request, self._resolve)
        delivery = Delivery(speed=speed_of(context.settings, self._policy.default_speed))
        wanted = {name: context.settings[name] for name in SETTINGS if context.settings.get(name) is not None}
        request, _ = with_options(replace(request, delivery=delivery), wanted, found.info)
        self._count += 1
        utterance_id = context.utterance_id = str(self._count)
        self._live[utterance_id] = _Speech(context.context_id)
        self._opened = context
        return [Open(utterance_id, request, lane=context.context_id or "")]

    def _append(self, context: _Context, text: str) -> list[Action]:
        if not text:
            return [] if context.utterance_id is None else [Append(context.utterance_id, "")]  # it is kept alive
        if context.chars + len(text) > self._policy.max_chars:
            raise TextTooLong(self._policy.max_chars, context.chars + len(text), param="text")
        utterance_id = context.utterance_id
        assert utterance_id is not None, "only what was started takes text"
        context.chars += len(text)
        context.spaced = text[-1].isspace()
        self._live[utterance_id].clock.add_text(text)
        return [Append(utterance_id, text)]

    def _adjust(self, context: _Context, fields: Fields) -> list[Action]:
        """A speed that comes later is taken from there on."""
        speed = speed_of(settings_of(fields), 0.0)
        return [Adjust(context.utterance_id, speed=speed)] if speed and context.utterance_id else []

    def _finish(self, context: _Context) -> list[Action]:
        """No more text comes. The last word ends in a space, by which clients know that it is whole."""
        assert context.utterance_id is not None, "only what was started ends"
        room = context.chars < self._policy.max_chars
        space = [] if context.spaced or not room else self._append(context, " ")
        return [*space, End(context.utterance_id)]

    def _take_back(self) -> list[Action]:
        """Undo the utterance that the refused message began."""
        context, self._opened = self._opened, None
        if context is None or context.utterance_id is None:
            return []
        utterance_id, context.utterance_id = context.utterance_id, None
        self._live.pop(utterance_id, None)
        context.chars, context.spaced = 0, True
        return [Cancel(utterance_id)]


class StreamInputCodec(_Speaker):
    """``stream-input``: text in pieces, an empty one ends it, and the socket closes behind the last audio."""

    def __init__(self, handshake: Handshake, policy: ElevenLabsPolicy, resolve: Resolve) -> None:
        super().__init__(handshake, policy, resolve)
        self._context: _Context | None = None

    def receive(self, message: str | bytes) -> list[Action]:
        """Parse one message. Raises ``InvalidRequest``, to be answered with ``refuse``."""
        fields = self._fields(message)
        if self._ending:
            raise InvalidRequest("The text has ended; this connection takes no more.", code="session_ended")
        if string(fields, "text") == "":
            return self._end()
        if self._context is None:
            self._context = _Context(None, settings_of(fields))
        return self._say(self._context, fields)

    def refuse(self, error: SyrinxError) -> list[Action]:
        """Say what is wrong and close, as the vendor does; what is being spoken to its end is not cut off."""
        told: list[Action] = [*self._take_back(), Reply(error_message(error))]
        return told if self._ending else [*told, Close(close_code(error), error.message[:100])]

    def _end(self) -> list[Action]:
        self._ending = True
        if self._context is None or self._context.utterance_id is None:
            return [Reply(final_message(None)), Drain()]
        return [*self._finish(self._context), Drain()]

    def _failed(self, error: SyrinxError, speech: _Speech) -> list[Reply | Close]:
        return [Reply(error_message(error)), Close(close_code(error), error.message[:100])]

    def _forget(self, utterance_id: str) -> None:
        if self._context is not None:  # text that comes all the same is a new utterance
            self._context = _Context(None, self._context.settings)


class MultiStreamCodec(_Speaker):
    """``multi-stream-input``: contexts that are opened by text, flushed, closed, and opened anew by the same name."""

    def __init__(self, handshake: Handshake, policy: ElevenLabsPolicy, resolve: Resolve) -> None:
        super().__init__(handshake, policy, resolve)
        self._contexts: dict[str, _Context] = {}
        self._about: str | None = None

    def receive(self, message: str | bytes) -> list[Action]:
        """Parse one message. Raises ``InvalidRequest``, ``Overloaded`` past the bound; the others go on."""
        self._about = None
        fields = self._fields(message)
        if flag(fields, "close_socket", default=False):
            return self._close_socket()
        self._about = name = _context_id(fields)
        if flag(fields, "close_context", default=False):
            return self._close(name, played_of(fields))
        if self._ending:
            raise InvalidRequest("The socket is being closed; it takes no more text.", code="session_ended")
        context = self._contexts.get(name)
        if context is None:
            if not string(fields, "text"):
                return []  # keeps the connection alive, or flushes what is closed
            context = self._open(name, fields)
        return self._say(context, fields)

    def refuse(self, error: SyrinxError) -> list[Action]:
        """Say what is wrong, of which context where it is known."""
        return [*self._take_back(), Reply(error_message(error, self._about))]

    def _open(self, name: str, fields: Fields) -> _Context:
        spoken = {context.utterance_id for context in self._contexts.values()}
        closing = sum(utterance_id not in spoken for utterance_id in self._live)
        if len(self._contexts) + closing >= self._policy.max_contexts:
            raise Overloaded(f"{self._policy.max_contexts} contexts are open on this connection already.", 1.0)
        settings = settings_of(fields)
        speed_of(settings, 1.0)
        context = self._contexts[name] = _Context(name, settings)
        return context

    def _close(self, name: str, played_s: float | None = None) -> list[Action]:
        """Let what was flushed be heard to its end; else, and when closed once more or with a play-head, stop: somebody
        interrupts."""
        context = self._contexts.pop(name, None)
        if context is None:
            named = [utterance_id for utterance_id, live in self._live.items() if live.context_id == name]
            return [Cancel(utterance_id, played_s) for utterance_id in named]
        if context.utterance_id is None:
            return [Reply(final_message(name))]
        if context.settled and played_s is None:
            return self._finish(context)
        return [Cancel(context.utterance_id, played_s)]

    def _close_socket(self) -> list[Action]:
        """Close every context that is open, and the connection behind the last."""
        ending, self._ending = self._ending, True
        if ending:
            return []
        return [*(action for name in list(self._contexts) for action in self._close(name)), Drain()]

    def _failed(self, error: SyrinxError, speech: _Speech) -> list[Reply | Close]:
        """Clients that wait for the end of a context and know no errors are not left waiting."""
        return [Reply(error_message(error, speech.context_id)), Reply(final_message(speech.context_id))]

    def _forget(self, utterance_id: str) -> None:
        for name, context in self._contexts.items():
            if context.utterance_id == utterance_id:
                del self._contexts[name]
                return


def _context_id(fields: Fields) -> str:
    value = fields.get("context_id")
    if value is None or value == "":
        return DEFAULT_CONTEXT
    if isinstance(value, str) and len(value) <= MAX_CONTEXT_ID_CHARS:
        return value
    what = "a longer one" if isinstance(value, str) else kind(value)
    raise InvalidRequest(
        f"'context_id' must be a string of at most {MAX_CONTEXT_ID_CHARS} characters, not {what}.", param="context_id"
    )


def _is_true(handshake: Handshake, name: str) -> bool:
    return handshake.query.get(name, "").lower() == "true"
