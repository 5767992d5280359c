"""OpenAI's Realtime API (``/v1/realtime``) as a pure codec: text in, audio out.

``docs/protocols/openai-realtime.md`` has every message and says where and why we differ. There is no language model
here: a response speaks what the conversation has to be spoken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from syrinx.core.errors import InvalidRequest, Overloaded, SyrinxError
from syrinx.core.ids import new_id
from syrinx.core.types import (
    Accepted,
    Append,
    Audio,
    Barge,
    Cancel,
    End,
    Failed,
    Finished,
    Interrupted,
    Marks,
    Open,
    ServerEvent,
    Started,
)
from syrinx.ears.events import EarEvent, SpeechStarted
from syrinx.protocols.base import Action, Ask, Close, Handshake, Reply
from syrinx.protocols.jsonwire import Fields, read_object, string
from syrinx.protocols.openai_realtime.conversation import Conversation, Item
from syrinx.protocols.openai_realtime.listening import InputBuffer, Listener, MakeEar, audio_of, seconds_of
from syrinx.protocols.openai_realtime.messages import error_event, event, id_of, whole_number
from syrinx.protocols.openai_realtime.response import (
    CLIENT_CANCELLED,
    TURN_DETECTED,
    Response,
    wish_of,
)
from syrinx.protocols.openai_realtime.settings import checked, opening, told, updated
from syrinx.protocols.options import Resolve

POLICY_VIOLATION = 1008
"""Close code of RFC 6455, section 7.4.1."""


@dataclass(frozen=True, slots=True)
class OpenAIRealtimePolicy:
    """What the operator set."""

    max_chars: int = 200_000
    """Text that waits to be spoken, and of one response."""
    max_pending: int = 128
    """Responses of one connection, waiting ones included."""
    default_speed: float = 1.0


class OpenAIRealtimeCodec:
    """One connection. ``resolve`` answers from what is loaded; it must not block."""

    ordered = True

    def __init__(
        self, handshake: Handshake, policy: OpenAIRealtimePolicy, resolve: Resolve, make_ear: MakeEar | None = None
    ) -> None:
        """``make_ear``: None where there are no ears."""
        self._policy = policy
        self._resolve = resolve
        self._session_id = new_id("sess")
        self._conversation_id = new_id("conv")
        self._conversation = Conversation(policy.max_chars)
        self._heard = InputBuffer()
        self._make_ear = make_ear
        self._listener: Listener | None = None
        self._judging = False
        self._live: dict[str, Response] = {}
        self._opened: Response | None = None
        self._latest: Item | None = None
        """The item that is heard last of all that were begun."""
        self._about: str | None = None
        self._now = opening(handshake.query.get("model"), policy.default_speed)
        self._refusal: SyrinxError | None = None
        try:
            checked(self._now.request, resolve)
        except SyrinxError as error:
            self._refusal = error

    def opened(self) -> list[Action]:
        """Say what holds, or why nothing can be spoken at this address, and the end."""
        if self._refusal is None:
            return [event("session.created", session=told(self._now, self._session_id))]
        return [error_event(self._refusal, None), Close(POLICY_VIOLATION, self._refusal.message[:100])]

    def receive(self, message: str | bytes) -> list[Action]:
        """Parse one message. Raises ``InvalidRequest``, ``Overloaded`` past a bound; to be answered with ``refuse``."""
        self._about = self._opened = None
        if self._refusal is not None:
            raise self._refusal
        if isinstance(message, bytes):
            raise InvalidRequest("This protocol takes JSON text messages only.", code="unexpected_binary")
        fields = read_object(message)
        self._about = id_of(fields, "event_id")
        name = string(fields, "type")
        handler = self._HANDLERS.get(name) if name is not None else None
        if handler is None:
            got = "no type" if name is None else repr(name[:100])
            raise InvalidRequest(f"There is no such message type: {got}.", code="invalid_value", param="type")
        return handler(self, fields)

    def refuse(self, error: SyrinxError) -> list[Action]:
        """Answer ``error``; a response that the refused message began is taken back."""
        told_so: list[Action] = [error_event(error, self._about)]
        response, self._opened = self._opened, None
        if response is None or self._live.pop(response.id, None) is None:
            return told_so
        for item in response.wish.answers:
            item.waits = True
        return [*told_so, Cancel(response.id)]

    def render(self, event: ServerEvent) -> list[Reply | Close]:
        """Turn an engine event into messages; events of responses taken back give none."""
        if isinstance(event, Interrupted):
            return self._interrupted(event)
        response = self._live.get(event.utterance_id)
        if response is None:
            return []
        if isinstance(event, Audio):
            if self._listener is not None:
                self._listener.played(event.audio.data, response.wish.request.audio)
            return [*response.sound(event.audio)]
        if isinstance(event, Marks):
            response.words.add_marks(event.marks)
        elif isinstance(event, Accepted):
            return [response.created()]
        elif isinstance(event, Started):
            return self._begin(response)
        elif isinstance(event, Finished | Failed):
            del self._live[response.id]
            return [*response.end(event, self._conversation.before(response.item))]
        return []

    # --- messages --------------------------------------------------------------------------------------------------

    def _session_update(self, fields: Fields) -> list[Action]:
        before, now = self._now, updated(self._now, fields, self._resolve)
        if now.turn_detection is None:
            self._listen_with(None)
        elif self._make_ear is None:
            raise InvalidRequest(
                "This server has no ears: 'turn_detection' needs its extra 'ears' (pip install 'syrinx-tts[ears]').",
                code="invalid_value",
                param="session.audio.input.turn_detection",
            )
        elif (now.turn_detection, now.heard) != (before.turn_detection, before.heard):
            listener = Listener(now, self._make_ear, self._heard.total_s)
            if self._listener is not None:
                listener.follow(self._listener)
            self._listen_with(listener)
        self._now = now
        return [event("session.updated", session=told(self._now, self._session_id))]

    def _item_create(self, fields: Fields) -> list[Action]:
        item, before = self._conversation.create(fields)
        return self._noted(item, before)

    def _item_retrieve(self, fields: Fields) -> list[Action]:
        item = self._conversation.find(id_of(fields, "item_id"), "retrieve")
        return [event("conversation.item.retrieved", item=item.told())]

    def _item_delete(self, fields: Fields) -> list[Action]:
        item = self._conversation.find(id_of(fields, "item_id"), "delete")
        self._conversation.delete(item)
        return [event("conversation.item.deleted", item_id=item.id)]

    def _item_truncate(self, fields: Fields) -> list[Action]:
        """The listener stopped there. What is still being spoken of it stops, and what comes next is due at once."""
        item = self._conversation.find(id_of(fields, "item_id"), "truncate")
        end_ms = whole_number(fields, "audio_end_ms")
        if end_ms is None:
            raise InvalidRequest("'audio_end_ms' is missing.", code="missing_required_parameter", param="audio_end_ms")
        if whole_number(fields, "content_index"):
            raise InvalidRequest("'content_index' can only be 0.", code="invalid_value", param="content_index")
        heard = item.truncate(end_ms)
        truncated = event("conversation.item.truncated", item_id=item.id, content_index=0, audio_end_ms=end_ms, **heard)
        return [self._stop(item, end_ms / 1000), truncated]

    def _create(self, fields: Fields) -> list[Action]:
        if len(self._live) >= self._policy.max_pending:
            raise Overloaded(f"{len(self._live)} responses wait on this connection already.", retry_after_s=1.0)
        wish = wish_of(fields, self._now, self._conversation, self._resolve)
        response = Response(wish, self._conversation_id if wish.in_conversation else None)
        self._live[response.id] = self._opened = response
        for item in wish.answers:
            item.waits = False
        return [Open(response.id, wish.request), Append(response.id, wish.text), End(response.id)]

    def _response_cancel(self, fields: Fields) -> list[Action]:
        """The one that is named, else the first of the conversation's own."""
        response_id = id_of(fields, "response_id")
        fresh = [response for response in self._live.values() if response.reason is None]
        if response_id is None:
            fresh = [response for response in fresh if response.wish.in_conversation]
        chosen = next((response for response in fresh if response_id in (None, response.id)), None)
        if chosen is None:
            raise InvalidRequest(
                "There is no such active response; it may have ended already.",
                code="response_cancel_not_active",
                param=None if response_id is None else "response_id",
            )
        return self._cancel([chosen], CLIENT_CANCELLED)

    def _audio_append(self, fields: Fields) -> list[Action]:
        """There is no answer to it but what is heard in it."""
        data = audio_of(fields, self._now.heard)
        if self._listener is not None:
            self._listener.take(data)
        self._heard.append(seconds_of(data, self._now.heard))
        return self._judge()

    def _audio_commit(self, _: Fields) -> list[Action]:
        return self._commit()

    def _audio_clear(self, _: Fields) -> list[Action]:
        self._heard.uncommitted_s = 0.0
        return [event("input_audio_buffer.cleared")]

    _HANDLERS: ClassVar[dict[str, Callable[[OpenAIRealtimeCodec, Fields], list[Action]]]] = {
        "session.update": _session_update,
        "conversation.item.create": _item_create,
        "conversation.item.retrieve": _item_retrieve,
        "conversation.item.delete": _item_delete,
        "conversation.item.truncate": _item_truncate,
        "response.create": _create,
        "response.cancel": _response_cancel,
        "input_audio_buffer.append": _audio_append,
        "input_audio_buffer.commit": _audio_commit,
        "input_audio_buffer.clear": _audio_clear,
    }

    # --- turns -----------------------------------------------------------------------------------------------------

    def _listen_with(self, listener: Listener | None) -> None:
        self._listener, self._heard.turn = listener, None

    def _judge(self) -> list[Action]:
        """Have what came judged, if nothing is: in order, however fast it comes."""
        question = None if self._judging or self._listener is None else self._listener.question()
        if question is None:
            return []
        self._judging = True
        return [Ask(question, lambda outcome: self._judged(question.listener, outcome))]

    def _judged(self, listener: Listener, outcome: object) -> list[Action]:
        self._judging = False
        if listener is not self._listener:
            return self._judge()  # it was told to listen otherwise meanwhile
        if isinstance(outcome, SyrinxError):
            self._listen_with(None)
            self._now = replace(self._now, turn_detection=None)
            return [error_event(outcome, None), event("session.updated", session=told(self._now, self._session_id))]
        assert isinstance(outcome, Sequence), "ears answer with what they heard"
        turns = [action for heard in outcome for action in self._turn(heard, listener)]
        return [*turns, *self._judge()]

    def _turn(self, heard: EarEvent, listener: Listener) -> list[Action]:
        if isinstance(heard, SpeechStarted):
            self._heard.turn = item_id = new_id("item")
            at_ms = listener.since_start_ms(heard.audio_start_ms)
            started = event("input_audio_buffer.speech_started", audio_start_ms=at_ms, item_id=item_id)
            turns = listener.settings.turn_detection
            return [started, *(self._interrupt() if turns is not None and turns.interrupt_response else [])]
        turn, at_ms = self._heard.turn, listener.since_start_ms(heard.audio_end_ms)
        stopped = event("input_audio_buffer.speech_stopped", audio_end_ms=at_ms, item_id=turn or new_id("item"))
        is_left = turn is not None and self._heard.uncommitted_s > 0  # the client may have taken it meanwhile
        return [stopped, *(self._commit(at_ms / 1000) if is_left else [])]

    def _interrupt(self) -> list[Action]:
        """Stop what the conversation says, and forget what of it was not heard."""
        ours = [response for response in self._live.values() if response.wish.in_conversation]
        rest = len(self._live) > len(ours)
        return [*self._cancel(ours, TURN_DETECTED), *([] if rest else [Barge()])]

    def _commit(self, until_s: float | None = None) -> list[Action]:
        item = self._heard.commit(until_s)
        before = self._conversation.insert(item)
        committed = event("input_audio_buffer.committed", item_id=item.id, previous_item_id=before)
        return [committed, *self._noted(item, before)]

    # --- parts -----------------------------------------------------------------------------------------------------

    def _begin(self, response: Response) -> list[Reply | Close]:
        self._latest = response.item
        before = self._conversation.insert(response.item) if response.wish.in_conversation else None
        return [*response.begin(before)]

    def _interrupted(self, heard: Interrupted) -> list[Reply | Close]:
        """A voice spoke over an answer that had been sent whole: tell how far it was heard, as where the vendor's own
        server knows it. A client that was there before has been answered already; one that comes later knows better."""
        item = self._conversation.answer_of(heard.utterance_id)
        if item is None or item.spoken is None or item.status != "completed":
            return []
        end_ms = round(1000 * item.spoken.end_s(heard.spoken_until)) if heard.spoken_until else 0
        said = {"spoken_until": heard.spoken_until, "heard": heard.heard, "remaining": heard.remaining}
        return [event("conversation.item.truncated", item_id=item.id, content_index=0, audio_end_ms=end_ms, **said)]

    def _noted(self, item: Item, before: str | None) -> list[Action]:
        """Tell of an item that came whole."""
        names = ("conversation.item.added", "conversation.item.done")
        return [event(name, previous_item_id=before, item=item.told()) for name in names]

    def _stop(self, item: Item, played_s: float) -> Action:
        """The listener says how far they heard it: it stops, and what comes next is due at once."""
        if self._listener is not None:
            self._listener.stopped()
        response = self._live.get(item.response_id)
        if response is not None and response.reason is None:
            response.reason = CLIENT_CANCELLED
        alone = item is self._latest and all(name == item.response_id for name in self._live)
        return Barge(item.response_id, played_s) if alone else Cancel(item.response_id, played_s)

    def _cancel(self, responses: Iterable[Response], reason: str) -> list[Action]:
        """Stop them, the last first, so that none that waits starts when the one before it stops."""
        fresh = [response for response in responses if response.reason is None]
        for response in fresh:
            response.reason = reason
        if self._listener is not None:
            self._listener.stopped()
        return [Cancel(response.id) for response in reversed(fresh)]
