"""One response: what a ``response.create`` asks for, and the events from its creation to its end."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from syrinx.core.errors import EmptyText, InvalidRequest, TextTooLong
from syrinx.core.ids import new_id
from syrinx.core.types import EncodedAudio, Failed, Finished, FinishReason, SpeechRequest
from syrinx.protocols.base import Reply
from syrinx.protocols.jsonwire import Fields, kind, string
from syrinx.protocols.openai.speech import CHARS_PER_TOKEN, TOKENS_PER_AUDIO_S
from syrinx.protocols.openai_realtime.conversation import Conversation, Item, spoken_text, text_item
from syrinx.protocols.openai_realtime.messages import error_fields, event, id_of, inner, within
from syrinx.protocols.openai_realtime.settings import (
    OUTPUT,
    SessionSettings,
    check_modalities,
    instructed,
    output_told,
    spoken_as,
)
from syrinx.protocols.openai_realtime.transcript import Transcript
from syrinx.protocols.options import Resolve

CLIENT_CANCELLED, TURN_DETECTED = "client_cancelled", "turn_detected"
"""Why a response was cancelled, in the vendor's words."""

MAX_INPUT_ITEMS = 1024
METADATA = (16, 64, 512)
"""Pairs, characters of a name, characters of a value (API reference, response.create)."""
_RESPONSE = (
    *("audio", "conversation", "input", "instructions", "metadata", "output_modalities", "max_output_tokens"),
    *("parallel_tool_calls", "prompt", "reasoning", "tool_choice", "tools"),
)
"""Of which those of a language model are taken and change nothing."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a ``response.create`` asks for."""

    text: str
    request: SpeechRequest
    in_conversation: bool
    metadata: Mapping[str, str] | None
    answers: tuple[Item, ...] = ()
    """Items that waited and are spoken by it."""


def wish_of(fields: Fields, now: SessionSettings, conversation: Conversation, resolve: Resolve) -> Wish:
    """Read a ``response.create``. Raises ``InvalidRequest`` or one of its kinds, with ``param`` naming the field."""
    given = inner(fields, "response", _RESPONSE) or {}
    with within("response"):
        check_modalities(given)
        where = string(given, "conversation") or "auto"
        if where not in ("auto", "none"):
            raise InvalidRequest("'conversation' must be auto or none.", code="invalid_value", param="conversation")
        audio = inner(given, "audio", ("output",)) or {}
        with within("audio"):
            request = spoken_as(now.request, inner(audio, "output", OUTPUT) or {})
        items = conversation.waiting() if given.get("input") is None else _input_items(given, conversation)
        text = spoken_text(items)
        if not text.strip():
            raise EmptyText("There is nothing to speak: create an item first, or give 'input'.", param="input")
        if len(text) > conversation.max_chars:
            raise TextTooLong(conversation.max_chars, len(text), param="input")
        instructions = string(given, "instructions")
        return Wish(
            text,
            instructed(request, now.instructions if instructions is None else instructions, resolve),
            where == "auto",
            _metadata_of(given),
            tuple(item for item in items if item.waits),
        )


def _input_items(given: Fields, conversation: Conversation) -> list[Item]:
    """The items of ``input`` that are spoken, and those that it refers to."""
    entries = given["input"]
    if not isinstance(entries, list) or len(entries) > MAX_INPUT_ITEMS:
        raise InvalidRequest(f"'input' must be a list of at most {MAX_INPUT_ITEMS} items.", param="input")
    items = [_input_item(entry, index, conversation) for index, entry in enumerate(entries)]
    return [item for item in items if item is not None]


def _input_item(entry: Any, index: int, conversation: Conversation) -> Item | None:
    with within(f"input[{index}]"):
        if not isinstance(entry, dict):
            raise InvalidRequest(f"An item must be an object, not {kind(entry)}.", param="type")
        if entry.get("type") == "item_reference":
            return conversation.find(id_of(entry, "id"), "retrieve")
        item = text_item(entry)
        return item if item.waits else None


def _metadata_of(given: Fields) -> Mapping[str, str] | None:
    value = inner(given, "metadata")
    if value is None:
        return None
    pairs, name_chars, value_chars = METADATA
    fits = len(value) <= pairs and all(
        len(name) <= name_chars and isinstance(said, str) and len(said) <= value_chars for name, said in value.items()
    )
    if not fits:
        raise InvalidRequest(
            f"'metadata' takes {pairs} pairs, of at most {name_chars} and {value_chars} characters.", param="metadata"
        )
    return value


@dataclass(slots=True)
class Response:
    """What must be remembered of a response until it has ended, and what is said of it."""

    wish: Wish
    conversation_id: str | None
    id: str = field(default_factory=lambda: new_id("resp"))
    reason: str | None = None
    """Why a cancel is under way."""
    begun: bool = False
    item: Item = field(init=False)
    words: Transcript = field(init=False)

    def __post_init__(self) -> None:
        self.words = Transcript(self.wish.text)
        self.item = Item(
            new_id("item"), "assistant", [], self.wish.text, "in_progress", spoken=self.words, response_id=self.id
        )

    def created(self) -> Reply:
        """It is taken: it is spoken now, or waits for those before it."""
        return event("response.created", response=self._told("in_progress"))

    def begin(self, before: str | None) -> list[Reply]:
        """Work begins. ``before``: the item in front of its own; the conversation has that already."""
        self.begun = True
        told = self.item.told()
        added = event("response.output_item.added", response_id=self.id, output_index=0, item=told)
        part = self._at("response.content_part.added", part={"type": "audio", "transcript": ""})
        return [added, *self._noted("conversation.item.added", before), part]

    def sound(self, audio: EncodedAudio) -> list[Reply]:
        """Audio, behind the words that begin in it."""
        words = self.words.pass_audio(audio.duration_s)
        told = self._words(words)
        return [*told, self._at("response.output_audio.delta", delta=audio.data)] if audio.data else told

    def end(self, ended: Finished | Failed, before: str | None) -> list[Reply]:
        """It is over: nothing of it follows. ``before``: as in ``begin``."""
        completed = isinstance(ended, Finished) and ended.reason is FinishReason.COMPLETED
        status = "completed" if completed else "failed" if isinstance(ended, Failed) else "cancelled"
        done: dict[str, Any] = {"status_details": self._details(ended, status), "usage": self._usage()}
        if not completed:
            done |= self.words.heard(ended.spoken_until)
        if not self.begun:
            self.item.status = "incomplete"
            return [event("response.done", response=self._told(status) | done)]
        rest = self._words(self.words.finish()) if completed else []
        self.item.hear(whole=completed)
        transcript, item = self.words.text[: self.words.told], self.item.told()
        return [
            *rest,
            self._at("response.output_audio.done"),
            self._at("response.output_audio_transcript.done", transcript=transcript),
            self._at("response.content_part.done", part={"type": "audio", "transcript": transcript}),
            *self._noted("conversation.item.done", before),
            event("response.output_item.done", response_id=self.id, output_index=0, item=item),
            event("response.done", response=self._told(status) | {"output": [item]} | done),
        ]

    def _words(self, delta: str) -> list[Reply]:
        return [self._at("response.output_audio_transcript.delta", delta=delta)] if delta else []

    def _noted(self, name: str, before: str | None) -> list[Reply]:
        if not self.wish.in_conversation:
            return []
        return [event(name, previous_item_id=before, item=self.item.told())]

    def _at(self, name: str, **fields: Any) -> Reply:
        return event(name, response_id=self.id, item_id=self.item.id, output_index=0, content_index=0, **fields)

    def _told(self, status: str) -> dict[str, Any]:
        return {
            "object": "realtime.response",
            "id": self.id,
            "status": status,
            "status_details": None,
            "output": [],
            "conversation_id": self.conversation_id,
            "output_modalities": ["audio"],
            "max_output_tokens": "inf",
            "audio": {"output": output_told(self.wish.request)},
            "usage": None,
            "metadata": self.wish.metadata,
        }

    def _details(self, ended: Finished | Failed, status: str) -> dict[str, Any] | None:
        if isinstance(ended, Failed):
            return {"type": status, "error": error_fields(ended.error)}
        return None if status == "completed" else {"type": status, "reason": self.reason}

    def _usage(self) -> dict[str, Any]:
        """An estimate: a local model counts no tokens of the vendor's kind."""
        heard = math.ceil(len(self.wish.text) / CHARS_PER_TOKEN)
        told, audio = math.ceil(self.words.told / CHARS_PER_TOKEN), math.ceil(self.words.audio_s * TOKENS_PER_AUDIO_S)
        return {
            "total_tokens": heard + told + audio,
            "input_tokens": heard,
            "output_tokens": told + audio,
            "input_token_details": {"text_tokens": heard, "audio_tokens": 0, "cached_tokens": 0},
            "output_token_details": {"text_tokens": told, "audio_tokens": audio},
        }
