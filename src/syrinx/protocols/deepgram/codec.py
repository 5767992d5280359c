"""Deepgram's WebSocket ``/v1/speak`` as a pure codec: text in pieces, binary audio, ``Flush`` ends a turn, ``Clear``
interrupts. ``docs/protocols/deepgram.md`` has every message and where we differ.

What stands between two flushes is one utterance. Audio carries no id, so after ``Clear`` nothing of the old may be
rendered: the session drops what it holds, and events of utterances that are not live any more give no message.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from syrinx.core.errors import EmptyText, InvalidRequest, ModelNotReady, Overloaded, SyrinxError, TextTooLong
from syrinx.core.types import Append, Audio, Barge, Cancel, End, Failed, Finished, Open, ServerEvent
from syrinx.protocols.base import Action, Close, Drain, Handshake, Reply
from syrinx.protocols.deepgram.errors import (
    NO_TEXT,
    NOT_APPLIED,
    close_code,
    error_message,
    limit_code,
    warning_message,
)
from syrinx.protocols.deepgram.messages import as_uuid, cleared_message, flushed_message, metadata_message
from syrinx.protocols.deepgram.speech import Asked, DeepgramPolicy, asked_on_socket
from syrinx.protocols.jsonwire import Fields, kind, read_object, string
from syrinx.protocols.options import Resolve
from syrinx.protocols.turns import Turns

TEXT_TIMEOUT = "text_timeout"
"""Code of the failure that is none: no text came any more, and what came was spoken."""
IGNORED = (Overloaded, TextTooLong)
"""Limits: what passes them is ignored with a warning, as the vendor does with too many flushes."""


@dataclass(slots=True)
class _Turn:
    """What text may still be added to."""

    utterance_id: str
    chars: int = 0


class SpeakCodec:
    """One connection. ``resolve`` answers from what is loaded; it must not block."""

    ordered = True

    def __init__(self, handshake: Handshake, policy: DeepgramPolicy, resolve: Resolve) -> None:
        self._policy = policy
        self._resolve = resolve
        self._query = handshake.query
        self._request_id = as_uuid(handshake.request_id)
        self._refusal: SyrinxError | None = None
        self._asked: Asked | None = None
        self._live: set[str] = set()
        self._turns = Turns()
        self._turn: _Turn | None = None
        self._begun: str | None = None
        """The utterance that the message at hand opened."""
        self._utterances = 0
        self._sequence = 0
        self._ending = False
        try:
            self._asked = asked_on_socket(handshake.query, policy, resolve)
        except ModelNotReady:
            pass  # it may be ready when there is something to say
        except SyrinxError as error:
            self._refusal = error

    def opened(self) -> list[Action]:
        """``Metadata`` and what of the address changes nothing; or why it cannot be spoken to, and the end."""
        if (error := self._refusal) is not None:
            return [Reply(error_message(error, self._request_id)), Close(close_code(error), error.message[:100])]
        name, version = self._query.get("model") or "default", "0"
        if self._asked is not None:
            name, version = self._asked.chosen.name, self._asked.chosen.found.info.revision or version
        ignored = () if self._asked is None else self._asked.not_applied
        warnings = (warning_message(NOT_APPLIED, f"{parameter!r} changes nothing here.") for parameter in ignored)
        return [Reply(metadata_message(self._request_id, name, version)), *map(Reply, warnings)]

    def receive(self, message: str | bytes) -> list[Action]:
        """Parse one message. Raises ``InvalidRequest`` or ``ModelNotReady``, to be answered with ``refuse``."""
        self._begun = None
        if self._refusal is not None:
            raise self._refusal
        if isinstance(message, bytes):
            raise InvalidRequest("This protocol takes JSON text messages only.", code="unexpected_binary")
        fields = read_object(message)
        name = fields.get("type")
        handler = self._HANDLERS.get(name) if isinstance(name, str) else None
        if handler is None:
            got = repr(name[:100]) if isinstance(name, str) else kind(name)
            known = ", ".join(self._HANDLERS)
            raise InvalidRequest(f"There is no message type {got}; there are: {known}.", code="unknown_type")
        return handler(self, fields)

    def refuse(self, error: SyrinxError) -> list[Action]:
        """Say what was not done; an utterance that the refused message opened is taken back."""
        undone: list[Action] = []
        if (begun := self._begun) is not None:
            self._begun = self._turn = None
            self._live.discard(begun)
            undone = [Cancel(begun), *self._turns.end(begun)]
        if isinstance(error, IGNORED):
            return [*undone, Reply(warning_message(limit_code(error), error.message))]
        return [*undone, Reply(error_message(error, self._request_id))]

    def render(self, event: ServerEvent) -> list[Reply | Close]:
        """Turn an engine event into messages; events of utterances that were cleared give none."""
        if event.utterance_id not in self._live:
            return []
        if isinstance(event, Audio):
            return [Reply(event.audio.data)] if event.audio.data else []
        if isinstance(event, Finished | Failed):
            self._live.remove(event.utterance_id)
            if self._turn is not None and self._turn.utterance_id == event.utterance_id:
                self._turn = None  # it failed before its flush: what is said next begins anew
            return [*self._failure(event), *self._turns.end(event.utterance_id)]
        return []

    # --- messages --------------------------------------------------------------------------------------------------

    def _speak(self, fields: Fields) -> list[Action]:
        if self._ending:
            raise InvalidRequest("The connection is being closed; it takes no more text.", code="session_ended")
        text = string(fields, "text")
        if text is None:
            raise InvalidRequest("'text' is missing.", param="text")
        if self._turn is None and not text.strip():
            return []
        chars = len(text) + (0 if self._turn is None else self._turn.chars)
        if chars > self._policy.max_chars:
            raise TextTooLong(self._policy.max_chars, chars, param="text")
        actions = [] if self._turn is not None else self._open()
        assert self._turn is not None, "opened just now"
        self._turn.chars = chars
        return [*actions, Append(self._turn.utterance_id, text)] if text else actions

    def _flush(self, _: Fields) -> list[Action]:
        """Nothing more belongs to this turn; ``Flushed`` waits for its last audio, and for that of those before it."""
        return [*self._end_turn(), *self._turns.say([Reply(flushed_message(self._next_sequence()))])]

    def _clear(self, _: Fields) -> list[Action]:
        """Forget what was said and what was to be said of it: pending ``Flushed`` would end the next turn."""
        self._live.clear()
        self._turns = Turns()
        self._turn = None
        return [Barge(), Reply(cleared_message(self._next_sequence()))]

    def _close(self, _: Fields) -> list[Action]:
        """Speak what came, then close; again: nothing new."""
        ending, self._ending = self._ending, True
        return [] if ending else [*self._end_turn(), Drain()]

    _HANDLERS: ClassVar[dict[str, Callable[[SpeakCodec, Fields], list[Action]]]] = {
        "Speak": _speak,
        "Flush": _flush,
        "Clear": _clear,
        "Close": _close,
    }

    # --- parts -----------------------------------------------------------------------------------------------------

    def _open(self) -> list[Action]:
        # Asked anew: what it means may have changed since, as when a model was loading or was replaced.
        self._asked = asked_on_socket(self._query, self._policy, self._resolve)
        self._utterances += 1
        self._begun = utterance_id = str(self._utterances)
        self._turn = _Turn(utterance_id)
        self._live.add(utterance_id)
        self._turns.begin(utterance_id)
        return [Open(utterance_id, self._asked.request)]

    def _end_turn(self) -> list[Action]:
        turn, self._turn = self._turn, None
        return [] if turn is None else [End(turn.utterance_id)]

    def _next_sequence(self) -> int:
        sequence = self._sequence
        self._sequence += 1
        return sequence

    def _failure(self, event: Finished | Failed) -> list[Reply | Close]:
        if isinstance(event, Finished) or event.error.code == TEXT_TIMEOUT:
            return []
        if isinstance(event.error, EmptyText):
            return [Reply(warning_message(NO_TEXT, "The text holds nothing that can be spoken."))]
        return [Reply(error_message(event.error, self._request_id))]
