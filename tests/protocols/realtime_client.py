"""A client of OpenAI's Realtime codec, as plain values: every event that it gets is checked by the vendor's types."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from syrinx.core.errors import SyrinxError
from syrinx.core.types import (
    Accepted,
    Append,
    Audio,
    EncodedAudio,
    End,
    Finished,
    FinishReason,
    Mark,
    MarkKind,
    Marks,
    Open,
    Span,
    Started,
)
from syrinx.protocols.base import Handshake
from syrinx.protocols.openai_realtime.codec import OpenAIRealtimeCodec, OpenAIRealtimePolicy
from tests.protocols.common import OneModel, said

Event = dict[str, Any]
resolve = OneModel(options=("instructions",))
vendors_events = TypeAdapter(RealtimeServerEvent)
MAX_CHARS = 60


@dataclass
class Client:
    """One connection: messages in, what is answered and done out; every event is checked by the vendor's types."""

    codec: OpenAIRealtimeCodec
    heard: list[Event] = field(default_factory=list)

    def tell(self, kind: str, **fields: Any) -> list[Any]:
        return self.check(said(self.codec.receive(json.dumps({"type": kind, **fields}))))

    def refused(self, kind: str, **fields: Any) -> Event:
        """The error that a message is answered with, alone."""
        with pytest.raises(SyrinxError) as caught:
            self.codec.receive(json.dumps({"type": kind, "event_id": "mine", **fields}))
        (answer,) = self.check(said(self.codec.refuse(caught.value)))
        assert answer["type"] == "error" and answer["error"]["event_id"] == "mine" and answer["error"]["message"]
        return answer["error"]

    def session(self, **session: Any) -> Event:
        (answer,) = self.tell("session.update", session={"type": "realtime", **session})
        assert answer["type"] == "session.updated"
        return answer["session"]

    def item(self, text: str, role: str = "user", **fields: Any) -> Event:
        kind = "output_text" if role == "assistant" else "input_text"
        item = {"type": "message", "role": role, "content": [{"type": kind, "text": text}], **fields}
        added, done = self.tell("conversation.item.create", item=item)
        assert (added["type"], done["type"]) == ("conversation.item.added", "conversation.item.done")
        return added["item"]

    def create(self, **response: Any) -> Open:
        opened, *rest = self.tell("response.create", **({"response": response} if response else {}))
        assert isinstance(opened, Open) and [type(action) for action in rest] == [Append, End]
        self.text = rest[0].text
        return opened

    def speak(self, text: str = "Hello there. Bye.", **response: Any) -> tuple[str, list[Event]]:
        """A response up to where its audio begins."""
        self.item(text)
        name = self.create(**response).utterance_id
        return name, self.render(Accepted(name), Started(name, "m", "kavya", 24_000))

    def render(self, *events: Any) -> list[Event]:
        return self.check([answer for event in events for answer in said(self.codec.render(event))])

    def check(self, answers: list[Any]) -> list[Any]:
        for answer in answers:
            if isinstance(answer, dict):
                vendors_events.validate_python(answer)
                assert answer["event_id"] not in [other["event_id"] for other in self.heard]
                self.heard.append(answer)
        return answers


def client(
    query: dict[str, str] | None = None, max_pending: int = 4, resolver: Any = resolve, make_ear: Any = None
) -> Client:
    policy = OpenAIRealtimePolicy(max_chars=MAX_CHARS, max_pending=max_pending, default_speed=1.5)
    return Client(
        OpenAIRealtimeCodec(
            Handshake({}, {"model": "gpt-realtime"} if query is None else query), policy, resolver, make_ear
        )
    )


def sound(name: str, seconds: float = 0.5) -> Audio:
    samples = round(seconds * 24_000)
    return Audio(name, EncodedAudio(bytes(2 * samples), samples, 24_000, "audio/pcm"))


def words(name: str, *times: tuple[int, int, float]) -> Marks:
    return Marks(name, tuple(Mark(MarkKind.WORD, Span(a, b), s, s + 0.1) for a, b, s in times))


def done(name: str, reason: FinishReason = FinishReason.COMPLETED, until: int = 0, text: str = "") -> Finished:
    return Finished(name, reason, 1, 0.5, until, text)


def kinds(events: list[Event]) -> list[str]:
    return [event["type"] for event in events]
