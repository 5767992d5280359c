"""The items of a Realtime conversation: what was said to be spoken, what was spoken, and what was heard of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from syrinx.core.errors import InvalidRequest, Overloaded, TextTooLong
from syrinx.core.ids import new_id
from syrinx.protocols.jsonwire import Fields, kind, string
from syrinx.protocols.openai_realtime.messages import id_of, inner, within
from syrinx.protocols.openai_realtime.transcript import Transcript

MAX_ITEMS = 1024
"""Kept of one conversation; the oldest that nobody waits for are forgotten first."""
MAX_PARTS = 256
"""Content parts of one item."""
ROLES = ("user", "assistant", "system")
_TEXTS = ("input_text", "output_text")
_SPEAKABLE_ROLES = ("user", "assistant")
"""A system's message is about the conversation: it is kept and not spoken."""


@dataclass(slots=True)
class Item:
    """One message of a conversation."""

    id: str
    role: str
    content: list[Mapping[str, Any]]
    """As it is told."""
    text: str = ""
    """What there is to speak of it, or was."""
    status: str = "completed"
    waits: bool = False
    """No response has spoken it yet."""
    spoken: Transcript | None = None
    """Of a response's own item: which word is heard when."""
    response_id: str = ""
    """Of a response's own item: whose it is."""

    def truncate(self, end_ms: int) -> dict[str, Any]:
        """Forget what comes after that time of its audio; returns what was heard of the text, and what was not.

        Raises ``InvalidRequest`` where it has no audio of that length."""
        words = self.spoken
        if words is None:
            raise InvalidRequest(
                "Only audio that was spoken here can be truncated.", code="unsupported_content_type", param="item_id"
            )
        length_ms = math.ceil(1000 * words.audio_s)
        if end_ms > length_ms:
            raise InvalidRequest(
                f"Audio content of {length_ms}ms is already shorter than {end_ms}ms.",
                code="invalid_value",
                param="audio_end_ms",
            )
        words.cut(end_ms / 1000)
        self.hear()
        return words.heard()

    def hear(self, *, whole: bool = False) -> None:
        """Note that what its response told is all there is of it."""
        words = self.spoken
        assert words is not None, "only what is spoken is heard"
        self.status = "completed" if whole else "incomplete"
        self.content = [{"type": "output_audio", "transcript": words.text[: words.told]}]

    def told(self) -> dict[str, Any]:
        """The item as it is on the wire."""
        return {
            "id": self.id,
            "object": "realtime.item",
            "type": "message",
            "status": self.status,
            "role": self.role,
            "content": self.content,
        }


def text_item(fields: Fields) -> Item:
    """Read the ``item`` of a ``conversation.item.create`` or of a response's input. Raises ``InvalidRequest``."""
    name = string(fields, "type")
    if name != "message":
        raise InvalidRequest(
            "'type' can only be \"message\": there is no language model here that calls functions.",
            code="invalid_value",
            param="type",
        )
    role = string(fields, "role")
    if role not in ROLES:
        raise InvalidRequest("'role' must be user, assistant or system.", code="invalid_value", param="role")
    parts = fields.get("content")
    if not isinstance(parts, list) or len(parts) > MAX_PARTS:
        raise InvalidRequest(f"'content' must be a list of at most {MAX_PARTS} parts.", param="content")
    texts = [_text_of(part, index) for index, part in enumerate(parts)]
    shape = "output_text" if role == "assistant" else "input_text"
    text = "\n".join(texts)
    return Item(
        id_of(fields, "id") or new_id("item"),
        role,
        [{"type": shape, "text": text} for text in texts],
        text,
        waits=role in _SPEAKABLE_ROLES and bool(text.strip()),
    )


def _text_of(part: Any, index: int) -> str:
    with within(f"content[{index}]"):
        if not isinstance(part, dict):
            raise InvalidRequest(f"A content part must be an object, not {kind(part)}.", param="type")
        if part.get("type") not in _TEXTS:
            raise InvalidRequest(
                "'type' can only be input_text or output_text.", code="unsupported_content_type", param="type"
            )
        text = string(part, "text")
        if text is None:
            raise InvalidRequest("'text' is missing.", code="missing_required_parameter", param="text")
        return text


@dataclass(slots=True)
class Conversation:
    """The items in order. ``max_chars`` bounds the text that waits to be spoken, and the text that is kept."""

    max_chars: int
    _items: dict[str, Item] = field(default_factory=dict)
    _chars: int = 0

    @property
    def last(self) -> str | None:
        """The id of the last item."""
        return next(reversed(self._items), None)

    def waiting(self) -> list[Item]:
        """What no response has spoken yet, in order."""
        return [item for item in self._items.values() if item.waits]

    def create(self, fields: Fields) -> tuple[Item, str | None]:
        """Add the item of a ``conversation.item.create``; returns it and the id of the one before it.

        Raises ``InvalidRequest``, ``TextTooLong`` or ``Overloaded``, and then nothing is added.
        """
        given = inner(fields, "item")
        if given is None:
            raise InvalidRequest("'item' is missing.", code="missing_required_parameter", param="item")
        with within("item"):
            item = text_item(given)
        waiting = self.waiting()
        chars = sum(len(other.text) for other in waiting) + len(item.text)
        if chars > self.max_chars:
            raise TextTooLong(self.max_chars, chars, param="item.content")
        if len(waiting) >= MAX_ITEMS:
            raise Overloaded(f"{len(waiting)} items wait to be spoken already.", retry_after_s=1.0)
        return item, self.insert(item, id_of(fields, "previous_item_id"))

    def insert(self, item: Item, after: str | None = None) -> str | None:
        """Add an item behind another one (``"root"``: in front of all; None: at the end); returns that one's id.

        Raises ``InvalidRequest`` for an id that there is already, or an unknown place.
        """
        if item.id in self._items:
            raise InvalidRequest("There is an item of this id.", code="item_create_invalid_item_id", param="item.id")
        before = self._place(after)
        self._chars += len(item.text)
        if before == self.last:
            self._items[item.id] = item
        else:
            order = list(self._items.values())
            order.insert(0 if before is None else list(self._items).index(before) + 1, item)
            self._items = {other.id: other for other in order}
        self._forget_old()
        return before

    def find(self, item_id: str | None, verb: str) -> Item:
        """Return an item. Raises ``InvalidRequest`` (``item_<verb>_invalid_item_id``) where there is none."""
        item = self._items.get(item_id) if item_id is not None else None
        if item is None:
            raise InvalidRequest("There is no such item.", code=f"item_{verb}_invalid_item_id", param="item_id")
        return item

    def answer_of(self, response_id: str) -> Item | None:
        """The item that a response spoke, while it is kept."""
        return next((item for item in self._items.values() if item.response_id == response_id), None)

    def before(self, item: Item) -> str | None:
        """The id of the item in front of another one; None where there is none."""
        order = list(self._items)
        index = order.index(item.id) if item.id in self._items else 0
        return order[index - 1] if index else None

    def delete(self, item: Item) -> None:
        """Take an item out."""
        del self._items[item.id]
        self._chars -= len(item.text)

    def _place(self, after: str | None) -> str | None:
        if after is None:
            return self.last
        if after == "root":
            return None
        if after not in self._items:
            raise InvalidRequest(
                "There is no such item to put it behind.",
                code="item_create_invalid_previous_item_id",
                param="previous_item_id",
            )
        return after

    def _forget_old(self) -> None:
        """Keep within the bounds what is settled: neither waiting nor being spoken, nor the last."""
        surplus = [item for item in self._items.values() if item.id != self.last and is_settled(item)]
        for item in surplus:
            if len(self._items) <= MAX_ITEMS and self._chars <= self.max_chars:
                return
            self.delete(item)


def is_settled(item: Item) -> bool:
    """Whether nothing more happens to it."""
    return not item.waits and item.status != "in_progress"


def spoken_text(items: Iterable[Item]) -> str:
    """What a response to these items says."""
    return "\n".join(item.text for item in items)
