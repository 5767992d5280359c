"""Deepgram's socket as plain values: turns, flushes, what a clear takes back, what is ignored, hostile input."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.errors import (
    EmptyText,
    InvalidRequest,
    ModelFailed,
    ModelNotFound,
    ModelNotReady,
    Overloaded,
    SyrinxError,
    TextTooLong,
)
from syrinx.core.types import (
    Append,
    AudioFormat,
    Barge,
    Cancel,
    End,
    Failed,
    FinishReason,
    Open,
    ServerEvent,
    Started,
)
from syrinx.protocols.base import Action, Close, Drain, Handshake, Reply
from syrinx.protocols.deepgram.codec import SpeakCodec
from syrinx.protocols.deepgram.speech import DeepgramPolicy
from tests.protocols.common import Found, OneModel, done, objects, said, sound

VOICES = OneModel()
POLICY = DeepgramPolicy(max_chars=60, default_speed=1.5)
MESSAGES = [
    {"type": "Speak", "text": "Hello there. "},
    {"type": "Speak", "text": " "},
    {"type": "Flush"},
    {"type": "Clear"},
    {"type": "Close"},
]
"""What clients send."""


def resolve(model: str | None, voice: str | None) -> Found:
    """One model, called ``m``."""
    if model not in (None, "m"):
        raise ModelNotFound("no such model", param="model")
    return VOICES(model, voice)


def codec(**query: str) -> SpeakCodec:
    return SpeakCodec(Handshake({}, {"encoding": "linear16", **query}, request_id="req_1"), POLICY, resolve)


def tell(target: SpeakCodec, kind: str, text: Any = None) -> list[Action]:
    return target.receive(json.dumps({"type": kind, **({} if text is None else {"text": text})}))


def refused(target: SpeakCodec, message: str | bytes) -> list[Any]:
    with pytest.raises(SyrinxError) as caught:
        target.receive(message)
    return said(target.refuse(caught.value))


def flushed(sequence_id: int) -> dict[str, Any]:
    return {"type": "Flushed", "sequence_id": sequence_id}


def cleared(sequence_id: int) -> dict[str, Any]:
    return {"type": "Cleared", "sequence_id": sequence_id}


def heard(target: SpeakCodec, *events: ServerEvent) -> list[Any]:
    return said([item for event in events for item in target.render(event)])


# --- turns -----------------------------------------------------------------------------------------------------------


def test_the_first_message_says_who_speaks() -> None:
    (metadata,) = said(codec(model="tara").opened())
    assert metadata["type"] == "Metadata" and metadata["model_name"] == "m/tara" and metadata["model_version"]
    assert uuid.UUID(metadata["request_id"]) and uuid.UUID(metadata["model_uuid"])
    assert metadata["additional_model_uuids"] == []


def test_text_between_two_flushes_is_one_utterance() -> None:
    target = codec(model="tara", sample_rate="16000", speed="0.9")
    assert tell(target, "Speak", "  ") == []
    opened, first = tell(target, "Speak", "Hel")
    assert isinstance(opened, Open) and first == Append("1", "Hel")
    request = opened.request
    assert (request.model, request.voice, request.delivery.speed) == (None, "tara", 0.9)
    assert request.audio == AudioFormat("pcm_s16le", 16_000)
    assert tell(target, "Speak", "lo. ") == [Append("1", "lo. ")]
    assert tell(target, "Speak", "") == []
    assert tell(target, "Flush") == [End("1")]
    second, _ = tell(target, "Speak", "Bye. ")
    assert isinstance(second, Open) and second.utterance_id == "2"
    assert said(target.render(sound("1", b"\1\2"))) == [Reply(b"\1\2")]
    assert heard(target, done("1")) == [flushed(0)]
    assert tell(target, "Flush") == [End("2")]
    assert heard(target, sound("2"), done("2"))[-1] == flushed(1)


def test_a_flush_waits_for_the_audio_before_it_and_is_answered_at_once_where_there_is_none() -> None:
    target = codec()
    assert said(tell(target, "Flush")) == [flushed(0)]
    tell(target, "Speak", "Hello. ")
    assert tell(target, "Flush") == [End("1")]
    assert tell(target, "Flush") == [], "nothing was said since, but the audio is still to come"
    assert heard(target, Started("1", "m", "kavya", 24_000), sound()) == [Reply(b"\1\2\3\4")]
    assert heard(target, done()) == [flushed(1), flushed(2)]


def test_what_fails_before_its_turn_is_flushed_behind_those_before_it() -> None:
    target = codec()
    tell(target, "Speak", "Hello. ")
    tell(target, "Flush")
    tell(target, "Speak", "Again. ")
    tell(target, "Flush")
    (error,) = heard(target, Failed("2", Overloaded("All places are taken.", 1.0)))
    assert error["type"] == "Error" and error["err_code"] == "Too Many Requests"
    assert heard(target, done("1")) == [flushed(0), flushed(1)]


@pytest.mark.parametrize("flush_first", [True, False])
def test_a_failure_is_told_and_its_flush_is_answered(flush_first: bool) -> None:
    target = codec()
    tell(target, "Speak", "Hello. ")
    if flush_first:
        tell(target, "Flush")
        error, last = heard(target, Failed("1", ModelFailed("It broke.")))
    else:
        (error,) = heard(target, Failed("1", ModelFailed("It broke.")))
        (last,) = said(tell(target, "Flush"))
    assert (error["code"], error["err_msg"], last) == ("NET-0000", "It broke.", flushed(0))
    assert isinstance(tell(target, "Speak", "Again.")[0], Open)


def test_text_of_which_nothing_can_be_said_is_a_warning_and_flushed() -> None:
    target = codec()
    tell(target, "Speak", "🙂")
    tell(target, "Flush")
    warning, last = heard(target, Failed("1", EmptyText("Nothing.")))
    assert (warning["type"], warning["code"], last) == ("Warning", "NO_SYNTHESIZABLE_TEXT", flushed(0))


def test_a_turn_that_gets_no_more_text_ends_in_silence_and_the_next_text_begins_another() -> None:
    target = codec()
    tell(target, "Speak", "Hello. ")
    assert heard(target, sound(), Failed("1", InvalidRequest("No text.", code="text_timeout"))) == [Reply(b"\1\2\3\4")]
    opened, _ = tell(target, "Speak", "Again. ")
    assert isinstance(opened, Open) and opened.utterance_id == "2"


# --- clear -----------------------------------------------------------------------------------------------------------


def test_after_a_clear_nothing_of_the_old_is_rendered() -> None:
    target = codec()
    tell(target, "Speak", "Hello. ")
    tell(target, "Flush")
    tell(target, "Speak", "And more. ")
    assert said(tell(target, "Clear")) == [Barge(), cleared(1)]
    for name in ("1", "2"):
        assert heard(target, sound(name), done(name, FinishReason.CANCELED)) == [], "its flush is not told either"
    opened, _ = tell(target, "Speak", "New. ")
    assert isinstance(opened, Open) and opened.utterance_id == "3", "an id of its own, so that the old is told apart"
    assert tell(target, "Flush") == [End("3")]
    assert heard(target, sound("1"), sound("3", b"\5"), sound("2"), done("3")) == [Reply(b"\5"), flushed(2)]


def test_a_clear_of_nothing_is_answered_too_and_twice() -> None:
    target = codec()
    assert said([*tell(target, "Clear"), *tell(target, "Clear")]) == [Barge(), cleared(0), Barge(), cleared(1)]


# --- close -----------------------------------------------------------------------------------------------------------


def test_a_close_speaks_what_came_and_takes_no_more() -> None:
    target = codec()
    tell(target, "Speak", "Hello. ")
    assert tell(target, "Close") == [End("1"), Drain()]
    assert tell(target, "Close") == []
    (error,) = refused(target, '{"type":"Speak","text":"More."}')
    assert error["type"] == "Error"
    assert heard(target, sound(), done()) == [Reply(b"\1\2\3\4")]
    assert tell(codec(), "Close") == [Drain()]


def test_a_clear_behind_a_close_stops_all_the_same() -> None:
    target = codec()
    tell(target, "Speak", "Hello. ")
    tell(target, "Close")
    assert said(tell(target, "Clear")) == [Barge(), cleared(0)] and heard(target, sound()) == []


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [
        b'{"type":"Flush"}',
        "",
        "[]",
        "{}",
        '{"type":"Sing"}',
        '{"type":1}',
        '{"type":"Speak"}',
        '{"type":"Speak","text":1}',
    ],
)
def test_a_message_that_is_none_is_an_error_and_the_connection_stays(message: str | bytes) -> None:
    target = codec()
    (error,) = refused(target, message)
    name = "MESSAGE-0000" if isinstance(message, bytes) else "DATA-0000"
    assert error["type"] == "Error" and error["err_code"] == name and error["err_msg"]
    assert isinstance(tell(target, "Speak", "Hello.")[0], Open)


def test_text_over_the_limit_is_ignored_with_a_warning() -> None:
    target = codec()
    tell(target, "Speak", "x" * 50)
    (warning,) = refused(target, json.dumps({"type": "Speak", "text": "y" * 20}))
    assert warning["type"] == "Warning" and warning["warn_code"] == "BIG-0001"
    assert tell(target, "Flush") == [End("1")], "what was taken is spoken"


def test_an_utterance_that_the_session_refuses_is_taken_back_with_a_warning() -> None:
    target = codec()
    tell(target, "Speak", "Hello. ")
    cancel, warning = said(target.refuse(Overloaded("128 utterances are open already.", 1.0)))
    assert cancel == Cancel("1") and warning["warn_code"] == "Too Many Requests"
    assert said(tell(target, "Flush")) == [flushed(0)] and heard(target, sound(), done()) == []


def test_a_refusal_of_more_text_leaves_the_utterance() -> None:
    target = codec()
    tell(target, "Speak", "Hello. ")
    tell(target, "Speak", "More. ")
    assert [message["type"] for message in said(target.refuse(TextTooLong(1, 2)))] == ["Warning"]
    assert tell(target, "Flush") == [End("1")]


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ({"model": "nobody"}, "Bad Request"),
        ({"encoding": "mp3"}, "INVALID_QUERY_PARAMETER"),
        ({"sample_rate": "1"}, "INVALID_QUERY_PARAMETER"),
        ({"speed": "99"}, "INVALID_QUERY_PARAMETER"),
    ],
)
def test_an_address_that_cannot_be_spoken_to_is_told_and_closed(query: dict[str, str], name: str) -> None:
    target = SpeakCodec(Handshake({}, query), POLICY, resolve)
    error, close = said(target.opened())
    assert error["err_code"] == name and isinstance(close, Close) and close.code == 1008 and close.reason
    with pytest.raises(SyrinxError):
        tell(target, "Speak", "Hello.")


@pytest.mark.parametrize("name", ["bit_rate", "container"])
def test_a_parameter_that_changes_nothing_is_warned_of(name: str) -> None:
    _, warning = said(codec(**{name: "wav"}).opened())
    assert warning["type"] == "Warning" and warning["code"] == "PARAMETER_NOT_APPLIED" and name in warning["warn_msg"]
    assert len(codec(container="none", mip_opt_out="true", tag="x").opened()) == 1


@pytest.mark.parametrize("encoding", ["mulaw", "alaw"])
def test_telephonys_encodings_are_8_khz_where_nothing_else_is_asked(encoding: str) -> None:
    opened, _ = tell(codec(encoding=encoding), "Speak", "Hello.")
    assert isinstance(opened, Open) and opened.request.audio == AudioFormat(encoding, 8000)


def test_a_model_that_loads_is_asked_again_when_there_is_something_to_say() -> None:
    ready = [False]

    def loading(model: str | None, voice: str | None) -> Found:
        if not ready[0]:
            raise ModelNotReady("The model is loading.")
        return resolve(model, voice)

    target = SpeakCodec(Handshake(query={"model": "tara"}), POLICY, loading)
    assert said(target.opened())[0]["model_name"] == "tara"
    (error,) = refused(target, '{"type":"Speak","text":"Hello."}')
    assert error["err_code"] == "Service Unavailable"
    ready[0] = True
    assert isinstance(tell(target, "Speak", "Hello.")[0], Open)


# --- total -----------------------------------------------------------------------------------------------------------

WIRE = (
    st.binary(max_size=100)
    | st.text(max_size=100)
    | objects("type", "text")
    | st.sampled_from(MESSAGES).map(json.dumps)
    | st.builds(
        lambda message, name, value: json.dumps({**message, name: value}),
        st.sampled_from(MESSAGES),
        st.sampled_from(["type", "text"]),
        st.none() | st.integers() | st.text(max_size=80) | st.lists(st.integers(), max_size=2),
    )
)
EVENTS = st.sampled_from(["sound", "done", "canceled", "failed", "silent"])


@given(
    st.lists(WIRE | st.tuples(EVENTS, st.integers(1, 5)), max_size=30),
    st.dictionaries(st.sampled_from(["model", "encoding", "sample_rate", "speed"]), st.text(max_size=9), max_size=2),
)
def test_any_conversation_keeps_the_rules(steps: list[str | bytes | tuple[str, int]], query: dict[str, str]) -> None:
    """Every action is of an utterance that was opened and not ended; after a clear no id of before is rendered."""
    target = SpeakCodec(Handshake({}, query), POLICY, resolve)
    said(target.opened())
    opened, ended = set[str](), set[str]()
    stale = set[str]()
    for step in steps:
        if isinstance(step, tuple):
            name = str(step[1])
            items = target.render(_event(step[0], name))
            assert not (name in stale and items), "of what was cleared nothing is heard"
            continue
        try:
            actions = target.receive(step)
        except SyrinxError as error:
            actions = target.refuse(error)
        for action in actions:
            if isinstance(action, Open):
                assert action.utterance_id not in opened
                opened.add(action.utterance_id)
            elif isinstance(action, Append | End):
                assert action.utterance_id in opened - ended - stale
                ended |= {action.utterance_id} if isinstance(action, End) else set()
            elif isinstance(action, Barge):
                stale |= opened
            elif isinstance(action, Reply) and isinstance(action.message, str):
                json.loads(action.message)


def _event(kind: str, name: str) -> ServerEvent:
    if kind == "sound":
        return sound(name)
    if kind == "failed":
        return Failed(name, ModelFailed("It broke."))
    if kind == "silent":
        return Failed(name, EmptyText("Nothing."))
    return done(name, FinishReason.CANCELED if kind == "canceled" else FinishReason.COMPLETED)
