"""Cartesia's WebSocket as a pure codec: contexts side by side, each fed by messages that repeat what it is spoken with.

``docs/protocols/cartesia.md`` has every message and where we differ.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from syrinx.core.errors import InvalidRequest, Overloaded, SyrinxError, TextTooLong
from syrinx.core.types import (
    Adjust,
    Append,
    Audio,
    Cancel,
    Delivery,
    End,
    Failed,
    Finished,
    Flush,
    Marks,
    Open,
    SegmentDone,
    ServerEvent,
)
from syrinx.protocols.base import Action, Close, Reply
from syrinx.protocols.cartesia import messages
from syrinx.protocols.cartesia.speech import (
    CartesiaPolicy,
    context_id_of,
    delivery_of,
    opening,
    resolved,
    word_times_of,
)
from syrinx.protocols.cartesia.transcript import Transcript
from syrinx.protocols.interruption import heard_fields, played_of
from syrinx.protocols.jsonwire import Fields, flag, number, read_object, string
from syrinx.protocols.options import Resolve

MAX_BUFFER_DELAY_MS = 5000
"""Of ``max_buffer_delay_ms`` (API reference, TTS WebSocket)."""
QUIET_ENDS = ("empty_text", "text_timeout")
"""Codes of failures that are no fault: nothing of the text can be said, or none came any more. The context is done."""


@dataclass(slots=True)
class _Context:
    """What is being spoken, and what must be remembered of it until that has ended."""

    name: str
    utterance_id: str
    delivery: Delivery
    with_words: bool
    transcript: Transcript = field(default_factory=Transcript)
    ended: bool = False
    """The client said that no more text comes."""
    stopped: bool = False
    """Canceled by a client that is told what was heard of it."""


class CartesiaCodec:
    """One connection. A context lives from its first words to its ``done``, a cancel, or an error."""

    ordered = False

    def __init__(self, policy: CartesiaPolicy, resolve: Resolve, request_id: str = "") -> None:
        """``request_id``: what the server's log calls the connection, told with every error."""
        self._policy = policy
        self._resolve = resolve
        self._request_id = request_id
        self._contexts: dict[str, _Context] = {}
        self._live: dict[str, _Context] = {}
        """The same by the ids of their utterances."""
        self._count = 0
        self._about: str | None = None
        """The context that the last message named."""

    def opened(self) -> list[Action]:
        """Nothing: the client speaks first."""
        return []

    # --- in --------------------------------------------------------------------------------------------------------

    def receive(self, message: str | bytes) -> list[Action]:
        """Parse one message. Raises ``InvalidRequest``, ``Overloaded`` past the bound; other contexts go on."""
        self._about = None
        if isinstance(message, bytes):
            raise InvalidRequest("This protocol takes JSON text messages only.", code="unexpected_binary")
        fields = read_object(message)
        self._about = name = context_id_of(fields)
        if flag(fields, "cancel", default=False):
            return self._drop(name, played_of(fields))
        text = string(fields, "transcript") or ""
        more, flush = flag(fields, "continue", default=False), flag(fields, "flush", default=False)
        context, actions = self._contexts.get(name), list[Action]()
        if context is None:
            if not text.strip():
                return [] if more else [_reply(messages.done(name))]
            context, actions = self._open(name, fields)
        elif not context.ended:
            actions = self._adjust(context, fields)
        return [*actions, *self._say(context, fields, text), *self._go_on(context, more=more, flush=flush)]

    def refuse(self, error: SyrinxError) -> list[Action]:
        """Say what is wrong. To clients an error is the end of its context, so here it is too."""
        dropped = list[Action]() if self._about is None else self._drop(self._about)
        return [*dropped, _reply(messages.error(error, self._about, self._request_id))]

    def _open(self, name: str, fields: Fields) -> tuple[_Context, list[Action]]:
        if len(self._contexts) >= self._policy.max_contexts:
            raise Overloaded(f"{self._policy.max_contexts} contexts are open on this connection already.", 1.0)
        request, _ = resolved(opening(fields, self._policy), fields, self._resolve)
        with_words, delay_ms = word_times_of(fields), _delay_ms(fields)
        self._count += 1
        context = _Context(name, str(self._count), request.delivery, with_words)
        self._contexts[name] = self._live[context.utterance_id] = context
        idle_flush_s = delay_ms / 1000 if delay_ms else None
        return context, [Open(context.utterance_id, request, idle_flush_s)]

    def _adjust(self, context: _Context, fields: Fields) -> list[Action]:
        """How it is spoken may change on the way; voice, model, language and format are those of its first words."""
        before = context.delivery
        context.delivery = wanted = delivery_of(fields, before)
        return [] if wanted == before else [Adjust(context.utterance_id, speed=wanted.speed, volume=wanted.volume)]

    def _say(self, context: _Context, fields: Fields, text: str) -> list[Action]:
        if not text or (context.ended and not text.strip()):
            return []
        if context.ended:
            raise InvalidRequest(
                "This context takes no more text: its last message did not continue.", param="context_id"
            )
        at_once = _delay_ms(fields) == 0
        if at_once and not text[-1].isspace():
            text += " "  # spoken by itself, so it ends a word
        chars = context.transcript.chars + len(text)
        if chars > self._policy.max_chars:
            raise TextTooLong(self._policy.max_chars, chars, param="transcript")
        context.transcript.add(text)
        said: list[Action] = [Append(context.utterance_id, text)]
        return [*said, Flush(context.utterance_id)] if at_once else said

    def _go_on(self, context: _Context, *, more: bool, flush: bool) -> list[Action]:
        if context.ended:
            return []
        actions = list[Action]()
        if flush:
            done = context.transcript.flush()
            actions += [Flush(context.utterance_id), *(_flushed(context, flush_id) for flush_id in done)]
        if not more:
            context.ended = True
            actions.append(End(context.utterance_id))
        return actions

    def _drop(self, name: str, played_s: float | None = None) -> list[Action]:
        """Stop a context. Nothing more is told of it, for clients have forgotten it; but to one that says how far it
        played, what was heard. Unknown ones are not there."""
        context = self._contexts.pop(name, None)
        if context is None:
            return []
        if played_s is None:
            del self._live[context.utterance_id]
        context.stopped = True
        return [Cancel(context.utterance_id, played_s)]

    # --- out -------------------------------------------------------------------------------------------------------

    def render(self, event: ServerEvent) -> list[Reply | Close]:
        """Turn an engine event into messages; events of contexts that were dropped give none."""
        context = self._live.get(event.utterance_id)
        if context is None or (context.stopped and not isinstance(event, Finished | Failed)):
            return []
        transcript = context.transcript
        if isinstance(event, Audio):
            begun = transcript.begin(event.audio.span.start)
            told = messages.chunk(event.audio.data, context.name, transcript.flush_id)
            return [*(_flushed(context, flush_id) for flush_id in begun), _reply(told)]
        if isinstance(event, Marks):
            words = transcript.words(event.marks) if context.with_words else []
            return [_reply(messages.timestamps(words, context.name, transcript.flush_id))] if words else []
        if isinstance(event, SegmentDone):
            return [_flushed(context, flush_id) for flush_id in transcript.end(event.span.end)]
        if isinstance(event, Finished | Failed):
            return self._end(context, event)
        return []

    def _end(self, context: _Context, event: Finished | Failed) -> list[Reply | Close]:
        del self._live[context.utterance_id]
        if context.stopped:
            return [_reply(messages.done(context.name, heard_fields(event) if isinstance(event, Finished) else None))]
        del self._contexts[context.name]
        if isinstance(event, Failed) and event.error.code not in QUIET_ENDS:
            return [_reply(messages.error(event.error, context.name, self._request_id))]
        flushed = [_flushed(context, flush_id) for flush_id in context.transcript.finish()]
        return [*flushed, _reply(messages.done(context.name))]


def _delay_ms(fields: Fields) -> float | None:
    return number(fields, "max_buffer_delay_ms", 0, MAX_BUFFER_DELAY_MS)


def _flushed(context: _Context, flush_id: int) -> Reply:
    return _reply(messages.flush_done(context.name, flush_id))


def _reply(message: bytes) -> Reply:
    return Reply(message.decode())
