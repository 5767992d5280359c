"""What protocols declare of themselves is true of their codecs and routes, and of none is it forgotten."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.routing import Route

from syrinx.audio.encode import CONTAINERS
from syrinx.config import Settings
from syrinx.core.errors import InvalidRequest
from syrinx.core.types import (
    Accepted,
    Append,
    Barge,
    Cancel,
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
from syrinx.protocols.abilities import EVERY
from syrinx.protocols.base import Abilities, Handshake, Interruption, Reply, SocketCodec, TextIn, Times, Together
from syrinx.protocols.wyoming.codec import WyomingCodec, WyomingPolicy
from syrinx.server.app import build_app
from syrinx.server.dialects import DIALECTS
from tests.fakes.engine import FakeEngine
from tests.protocols.common import sound

Message = dict[str, Any]
SIGNS = {
    Times.BESIDE: r"output_audio_transcript\.delta",
    Times.WORDS: r"response\.marks|word_timestamps",
    Times.CHARACTERS: r"charStartTimesMs",
}
"""By which times are known."""


@dataclass(frozen=True)
class Sample:
    """How a client of a socket speaks. Numbers tell utterances apart where they have names."""

    begin: Callable[[int], Sequence[Message]]
    """``Hello ``, and what else is needed so that it is spoken."""
    more: Message | None = None
    """``you.`` to the first utterance, where text comes in pieces."""
    end: Sequence[Message] = ()
    """The first utterance's text is all there, where that must be said before the next."""
    stop: Callable[[str], Message] | None = None
    """Interrupts the first utterance; given all that was said to the client."""


def realtime(number: int) -> list[Message]:
    return [{"type": "session.update", "session": {"marks": True}}, {"type": "input.append", "text": "Hello "}]


def cartesia(number: int, text: str = "Hello ") -> list[Message]:
    audio = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 24_000}
    common = {"model_id": "sonic", "voice": {"mode": "id", "id": "eve"}, "output_format": audio}
    return [{**common, "context_id": str(number), "transcript": text, "continue": True, "add_timestamps": True}]


def openai_realtime(number: int) -> list[Message]:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello you."}]}
    return [{"type": "conversation.item.create", "item": item}, {"type": "response.create"}]


def truncated(said: str) -> Message:
    (item_id,) = set(re.findall(r'"item_id":"(item_\w+)"', said))
    return {"type": "conversation.item.truncate", "item_id": item_id, "content_index": 0, "audio_end_ms": 0}


SAMPLES = {
    "Realtime-style": Sample(
        realtime,
        {"type": "input.append", "text": "you."},
        [{"type": "input.commit"}],
        lambda said: {"type": "response.cancel"},
    ),
    "OpenAI Realtime": Sample(openai_realtime, stop=truncated),
    "ElevenLabs, one text": Sample(lambda number: [{"text": "Hello "}], {"text": "you."}, [{"text": ""}]),
    "ElevenLabs, contexts": Sample(
        lambda number: [{"text": "Hello ", "context_id": str(number)}],
        {"text": "you.", "context_id": "0"},
        stop=lambda said: {"context_id": "0", "close_context": True},
    ),
    "Cartesia": Sample(
        cartesia, cartesia(0, "you.")[0], stop=lambda said: {"context_id": "0", "cancel": True, "played_s": 0.5}
    ),
    "Deepgram": Sample(
        lambda number: [{"type": "Speak", "text": "Hello "}],
        {"type": "Speak", "text": "you."},
        [{"type": "Flush"}],
        lambda said: {"type": "Clear"},
    ),
    "Chatterbox": Sample(
        lambda number: [{"type": "synthesize", "text": "Hello you.", "request_id": number}],
        stop=lambda said: {"type": "cancel", "request_id": 0},
    ),
    "Orpheus and Veena": Sample(
        lambda number: [{"text": "Hello you.", "segment_id": str(number)}],
        stop=lambda said: {"cancel": True},
    ),
    "Wyoming": Sample(
        lambda number: [{"type": "synthesize-start"}, {"type": "synthesize-chunk", "data": {"text": "Hello "}}],
        {"type": "synthesize-chunk", "data": {"text": "you."}},
        [{"type": "synthesize-stop"}],
    ),
}


class Client:
    """One connection of a protocol, up to its first utterance's first audio."""

    def __init__(self, abilities: Abilities) -> None:
        self.sample = SAMPLES[abilities.name]
        self.codec = codec_of(abilities)
        self.said = ""
        self.answer(self.codec.opened())
        self.begun = self.tell(*self.sample.begin(0))
        self.name = next(action.utterance_id for action in self.begun if isinstance(action, Open))

    def tell(self, *messages: Message) -> list[Any]:
        """The actions but replies, which are kept."""
        wires = [json.dumps(message) for message in messages]
        if isinstance(self.codec, WyomingCodec):
            return self.answer([action for wire in wires for action in self.codec.receive(wire.encode() + b"\n")])
        return self.answer([action for wire in wires for action in self.codec.receive(wire)])

    def answer(self, actions: Sequence[Any]) -> list[Any]:
        replies = [action.message for action in actions if isinstance(action, Reply)]
        self.said += "".join(each if isinstance(each, str) else each.decode("latin-1") for each in replies)
        return [action for action in actions if not isinstance(action, Reply)]

    def hear(self, *, timed: bool = True) -> None:
        """All of a second of it, and, if it has times, the words."""
        marks = tuple(
            Mark(MarkKind.WORD, Span(*place), start, start + 0.4) for place, start in (((0, 5), 0.0), ((6, 10), 0.5))
        )
        told = [Marks(self.name, marks)] if timed else []
        pieces = [sound(self.name, bytes(48_000)), sound(self.name, bytes(48_000))]
        for event in [Accepted(self.name), Started(self.name, "m", "eve", 24_000), *told, *pieces]:
            self.answer(self.codec.render(event))


def codec_of(abilities: Abilities) -> SocketCodec:
    if abilities.address == "TCP":
        return WyomingCodec(WyomingPolicy(), lambda: [])
    found = [made(Settings(), FakeEngine()) for made in DIALECTS]  # type: ignore[arg-type]
    at_path = [dialect for dialect in found if f"WS {dialect.path}" == abilities.address]
    (dialect,) = [each for each in at_path if len(at_path) == 1 or each.options.protocol == abilities.page]
    return dialect.codec(Handshake({"voice": "eve"}))


SOCKETS = [abilities for abilities in EVERY if not abilities.address.startswith("POST")]


@pytest.fixture(params=SOCKETS, ids=lambda abilities: abilities.name)
def abilities(request: pytest.FixtureRequest) -> Abilities:
    return request.param


def test_text_comes_as_declared(abilities: Abilities) -> None:
    client = Client(abilities)
    ended = any(isinstance(action, End) for action in client.begun)
    assert ended is (abilities.text is TextIn.WHOLE)
    assert (client.sample.more is None) is ended
    if client.sample.more is not None:
        assert client.tell(client.sample.more) == [Append(client.name, "you.")]


def test_utterances_of_one_connection_are_spoken_as_declared(abilities: Abilities) -> None:
    client = Client(abilities)
    client.tell(*client.sample.end)
    if abilities.together is Together.ONE:
        with pytest.raises(InvalidRequest):
            client.tell(*client.sample.begin(1))
        return
    assert client.codec.ordered is (abilities.together is Together.IN_TURN)
    (second,) = [action for action in client.tell(*client.sample.begin(1)) if isinstance(action, Open)]
    assert second.utterance_id != client.name


def test_an_interruption_does_and_tells_what_is_declared(abilities: Abilities) -> None:
    client = Client(abilities)
    assert (client.sample.stop is not None) is (abilities.interruption is Interruption.MESSAGE)
    if client.sample.stop is None:
        return
    client.hear()
    before = len(client.said)
    stopped = client.tell(client.sample.stop(client.said))
    assert [action for action in stopped if isinstance(action, Cancel | Barge)]
    client.answer(client.codec.render(Finished(client.name, FinishReason.CANCELED, 1, 0.5, 5, "Hello you.")))
    assert bool(re.search(r'"heard":"\w*","remaining":"', client.said[before:])) is abilities.tells_heard


def test_times_are_told_as_declared(abilities: Abilities) -> None:
    timed, untimed = Client(abilities), Client(abilities)
    timed.hear()
    untimed.hear(timed=False)
    if abilities.times is Times.NONE:
        assert len(timed.said) == len(untimed.said), "marks bring nothing"
    else:
        assert re.search(SIGNS[abilities.times], timed.said) and not re.search(SIGNS[abilities.times], untimed.said)


def test_every_socket_declares_itself() -> None:
    paths = [f"WS {made(Settings(), FakeEngine()).path}" for made in DIALECTS]  # type: ignore[arg-type]
    declared = [abilities.address for abilities in EVERY if abilities.address.startswith("WS ")]
    assert sorted(declared) == sorted(paths), "add it to its package's abilities.py, or to protocols/abilities.py"
    assert len({abilities.name for abilities in EVERY}) == len(EVERY)


def test_every_route_is_there() -> None:
    app = build_app(Settings(), FakeEngine())  # type: ignore[arg-type]
    posts = {
        f"POST {route.path}" for route in app.routes if isinstance(route, Route) and "POST" in (route.methods or ())
    }
    assert [each.address for each in EVERY if each.address.startswith("POST ") and each.address not in posts] == []


def test_every_format_is_a_container() -> None:
    for abilities in EVERY:
        assert abilities.formats and set(abilities.formats) <= set(CONTAINERS), abilities.name
        assert len(set(abilities.formats)) == len(abilities.formats), abilities.name
