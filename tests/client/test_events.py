"""Events of the Realtime-style socket as typed values."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.client.events import (
    Audio,
    Canceled,
    Completed,
    Created,
    Interrupted,
    Marks,
    Refused,
    SessionUpdated,
    Unknown,
    parse_event,
)
from syrinx.core.errors import InvalidRequest, VoiceNotFound
from syrinx.core.types import Mark, MarkKind, Span

EVENTS = [
    ({"type": "response.created", "response": "r1"}, Created("r1")),
    ({"type": "response.output_audio.delta", "response": "r1", "delta": "AAEC"}, Audio("r1", b"\0\1\2")),
    (
        {"type": "response.completed", "response": "r1", "duration_s": 0.5, "total_samples": 12_000},
        Completed("r1", 0.5, 12_000),
    ),
    (
        {
            "type": "response.marks",
            "response": "r1",
            "marks": [{"kind": "word", "start": 0, "end": 2, "start_s": 0.5, "end_s": 1, "estimated": True}],
        },
        Marks("r1", (Mark(MarkKind.WORD, Span(0, 2), 0.5, 1.0, estimated=True),)),
    ),
    ({"type": "response.canceled", "response": "r1"}, Canceled("r1")),
    (
        {"type": "response.canceled", "response": "r1", "spoken_until": 1, "heard": "A", "remaining": " b"},
        Canceled("r1", 1, "A", " b"),
    ),
    (
        {"type": "response.interrupted", "response": "r1", "spoken_until": 1, "heard": "A", "remaining": " b"},
        Interrupted("r1", 1, "A", " b"),
    ),
    (
        {"type": "session.updated", "session": {"voice": "female", "audio": {"format": "pcm", "sample_rate": 24_000}}},
        SessionUpdated("female", "pcm", 24_000),
    ),
    ({"type": "session.created", "x": 1}, Unknown("session.created", {"type": "session.created", "x": 1})),
]


@pytest.mark.parametrize(("message", "event"), EVENTS)
def test_each_message_becomes_its_event(message: dict[str, object], event: object) -> None:
    assert parse_event(json.dumps(message)) == event


def test_a_refusal_carries_the_typed_error() -> None:
    event = parse_event('{"type":"response.error","response":"r1","code":"invalid_voice","message":"No voice Zork."}')
    assert isinstance(event, Refused)
    assert event.response == "r1"
    assert isinstance(event.error, VoiceNotFound) and str(event.error) == "No voice Zork."


HOSTILE = [
    "",
    "[",
    "{}",
    "null",
    "[" * 100_000,
    '{"type":[]}',
    '{"type":"response.output_audio.delta","response":1,"delta":"!"}',
]


@pytest.mark.parametrize("message", HOSTILE)
def test_what_is_no_event_is_refused(message: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        parse_event(message)
    assert raised.value.code == "bad_event"


@given(
    st.sampled_from([message["type"] for message, _ in EVENTS] + ["response.error"]),
    st.dictionaries(st.sampled_from(["response", "delta", "session", "code", "duration_s"]), st.integers() | st.text()),
)
def test_any_fields_give_an_event_or_a_refusal(kind: object, fields: dict[str, object]) -> None:
    try:
        assert parse_event(json.dumps({"type": kind, **fields})) is not None
    except InvalidRequest as error:
        assert error.code == "bad_event"
