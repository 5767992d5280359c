"""The Orpheus dialect as plain values: both forms, the order of answers, and anything a stranger may send."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.errors import (
    EmptyText,
    InvalidRequest,
    ModelFailed,
    ModelNotReady,
    Overloaded,
    SyrinxError,
    TextTooLong,
    VoiceNotFound,
)
from syrinx.core.types import (
    Accepted,
    Append,
    AudioFormat,
    Cancel,
    End,
    Failed,
    Finished,
    FinishReason,
    Open,
    ServerEvent,
    ServiceClass,
    Started,
)
from syrinx.models.base import VoiceInfo
from syrinx.protocols.base import Action, Close, Drain, Reply
from syrinx.protocols.orpheus import (
    STAND_INS,
    OrpheusCodec,
    OrpheusPolicy,
    Speaker,
    parse_stream,
    speakers_body,
    speaks,
)
from syrinx.voices.aliases import OPENAI_VOICES
from tests.protocols.common import HEARD, Found, OneModel, done, objects, said, sound

resolve = OneModel(options=("temperature",))


def codec() -> OrpheusCodec:
    return OrpheusCodec(OrpheusPolicy(max_chars=50, default_speed=1.5), resolve)


def tell(target: OrpheusCodec, **fields: Any) -> list[Action]:
    return target.receive(json.dumps(fields))


def refused(target: OrpheusCodec, **fields: Any) -> list[Any]:
    with pytest.raises(SyrinxError) as caught:
        tell(target, **fields)
    return said(target.refuse(caught.value))


def test_a_request_opens_one_utterance_with_what_it_says() -> None:
    opened, text, end = tell(codec(), text="Namaste!", voice="kavya", pitch=1.2, language="hi")
    assert isinstance(opened, Open)
    request = opened.request
    assert (request.voice, request.language, request.audio) == ("kavya", "hi", AudioFormat("pcm_s16le", 24_000))
    assert (request.delivery.speed, request.delivery.pitch) == (1.5, 1.2)
    assert (text, end) == (Append("1", "Namaste!"), End("1"))


def test_start_binary_end_name_the_segment() -> None:
    target = codec()
    tell(target, text="Hello.", segment_id="s1")
    events: list[ServerEvent] = [Accepted("1"), Started("1", "m", "kavya", 24_000), sound(), sound(data=b""), done()]
    assert said([item for event in events for item in target.render(event)]) == [
        {"type": "start", "segment_id": "s1"},
        Reply(b"\1\2\3\4"),
        {"type": "end", "segment_id": "s1"},
    ]
    assert target.render(done()) == []


@pytest.mark.parametrize(("field", "name"), [("text", "default"), ("input", "no_segment_id")])
def test_each_form_has_its_own_default_segment(field: str, name: str) -> None:
    target = codec()
    tell(target, **{field: "Hello."})
    assert said(target.render(done())) == [{"type": "end", "segment_id": name}]


def test_4_08_the_parents_voices_have_stand_ins_where_the_model_does_not_know_them() -> None:
    def resolve_openai(model: str | None, voice: str | None) -> Found:
        return resolve(model, None if voice in OPENAI_VOICES else voice)

    target = OrpheusCodec(OrpheusPolicy(), resolve_openai)
    for name, asked in (("tara", "tara"), ("zac", STAND_INS["zac"]), ("julia", STAND_INS["julia"])):
        (opened, *_) = tell(target, input="Hello.", voice=name)
        assert isinstance(opened, Open) and opened.request.voice == asked
    assert set(STAND_INS.values()) <= set(OPENAI_VOICES) and len(set(STAND_INS.values())) == len(STAND_INS) == 8
    with pytest.raises(VoiceNotFound):
        tell(codec(), input="Hello.", voice="zac")


def test_a_number_may_be_a_segment_id() -> None:
    target = codec()
    tell(target, text="Hello.", segment_id=7)
    assert said(target.render(done())) == [{"type": "end", "segment_id": 7}]


def test_sampling_goes_to_a_model_that_takes_it_and_the_rest_is_told() -> None:
    target = codec()
    (opened, *_) = tell(target, text="Hello.", temperature=0.4, top_p=0.9)
    assert isinstance(opened, Open) and opened.request.options == {"temperature": 0.4}
    (start,) = said(target.render(Started("1", "m", "kavya", 24_000)))
    assert start["not_applied"] == ["top_p"]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"top_p": 1.01}, "top_p"),
        ({"speed": 9}, "speed"),
        ({"voice": "nobody"}, "voice"),
        ({"voice": 5}, "voice"),
        ({"language": "!"}, "language"),
        ({"segment_id": []}, "segment_id"),
        ({"segment_id": True}, "segment_id"),
        ({"segment_id": "x" * 257}, "segment_id"),
        ({"continue": "no"}, "continue"),
        ({"cancel": 1}, "cancel"),
        ({"text": 5}, "text"),
        ({"text": "x" * 51}, "text"),
    ],
)
def test_4_07_what_is_out_of_range_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        tell(codec(), **{"text": "Hello.", **fields})
    assert caught.value.param == param


def test_an_error_of_the_veena_form_names_its_segment_and_the_next_request_is_spoken() -> None:
    target = codec()
    (error,) = refused(target, text="Hello.", segment_id="s", voice="nobody")
    assert error == {"type": "error", "message": "no such voice", "code": "voice_not_found", "segment_id": "s"}
    assert isinstance(tell(target, text="Hello.")[0], Open)


def test_an_error_of_the_parents_form_says_done_and_closes() -> None:
    target = codec()
    error, close = refused(target, input="Hello.", segment_id="s", voice="nobody")
    assert error == {"error": "no such voice", "done": True, "code": "voice_not_found", "segment_id": "s"}
    assert close == Close(1000)


def test_empty_text_is_told_in_each_forms_words() -> None:
    (error,) = said(tell(codec(), text=" \n"))
    assert (error["type"], error["message"]) == ("error", "Empty text")
    assert said(tell(codec(), input="")) == [{"type": "no_op", "reason": "empty_input"}]


def test_what_fails_while_speaking_is_told_in_the_form_of_its_request() -> None:
    target = codec()
    tell(target, text="Hello.")
    (error,) = said(target.render(Failed("1", ModelFailed("It broke."))))
    assert (error["type"], error["message"], error["segment_id"]) == ("error", "It broke.", "default")
    tell(target, input="Hello.")
    tell(target, text="More.")
    assert said(target.render(Failed("2", ModelFailed("It broke."))))[1] == Close(1000)


def test_answers_come_in_the_order_of_their_requests() -> None:
    target = codec()
    tell(target, text="One.", segment_id="1")
    assert tell(target, text="") == [] and refused(target, text="x", speed=0) == []
    tell(target, text="Two.", segment_id="2")
    end, empty, wrong = said(target.render(done("1")))
    assert (end["segment_id"], empty["code"], wrong["code"]) == ("1", "empty_text", "invalid_request")
    assert len(target.render(done("2"))) == 1


def test_continue_false_speaks_its_text_and_closes_after_it() -> None:
    target = codec()
    actions = tell(target, **{"text": "Bye.", "continue": False})
    assert isinstance(actions[0], Open) and actions[-1] == Drain()
    cancel, error, drain = said(target.refuse(Overloaded("Too many.", 1.0)))
    assert (cancel, error["code"], drain) == (Cancel("1"), "overloaded", Drain())


@pytest.mark.parametrize("field", ["text", "input"])
@pytest.mark.parametrize("text", ["", "  ", None])
def test_continue_false_without_text_only_closes(field: str, text: str | None) -> None:
    assert tell(codec(), **{field: text, "continue": False}) == [Drain()]


def test_a_last_message_that_is_wrong_closes_too() -> None:
    assert refused(codec(), **{"text": 5, "continue": False})[-1] == Drain()


def test_after_the_last_message_nothing_is_spoken() -> None:
    target = codec()
    tell(target, **{"continue": False})
    (error,) = refused(target, text="More.")
    assert error["code"] == "session_ended"


def test_cancel_stops_a_segment_or_all_the_waiting_first() -> None:
    target = codec()
    for name in ("a", "b", "a"):
        tell(target, text="Hello.", segment_id=name)
    assert tell(target, cancel=True, segment_id="a") == [Cancel("3"), Cancel("1")]
    assert tell(target, cancel=True) == [Cancel("3"), Cancel("2"), Cancel("1")]
    ends = said(target.render(done("3", FinishReason.CANCELED)))
    assert ends == [{"type": "end", "segment_id": "a", "canceled": True, **HEARD}]
    assert tell(target, cancel=True, segment_id="a", played_s=0.5) == [Cancel("1", 0.5)]
    assert tell(target, cancel=True, played_s=0.5) == [Cancel("2"), Cancel("1", 0.5)], "the first is the one that plays"
    (error,) = refused(codec(), cancel=True, segment_id="zzz")
    assert error["code"] == "unknown_segment"


def test_a_request_that_the_session_refuses_is_taken_back() -> None:
    target = codec()
    tell(target, text="Hello.")
    cancel, error = said(target.refuse(Overloaded("Too many.", 1.0)))
    assert cancel == Cancel("1") and error["code"] == "overloaded"
    assert target.render(done("1")) == []
    assert said(tell(target, text=""))[0]["code"] == "empty_text", "nothing is waited for"


def test_binary_and_bad_json_are_told() -> None:
    for message, code in ((b"{}", "unexpected_binary"), ("{", "bad_json"), ("[]", "bad_json")):
        target = codec()
        with pytest.raises(InvalidRequest) as caught:
            target.receive(message)
        assert said(target.refuse(caught.value))[0]["code"] == code


def test_a_model_that_is_not_there_yet_is_told() -> None:
    def loading(model: str | None, voice: str | None) -> Found:
        raise ModelNotReady("It is loading.")

    with pytest.raises(ModelNotReady):
        OrpheusCodec(OrpheusPolicy(), loading).receive('{"text":"Hello."}')


@pytest.mark.parametrize(
    ("message", "ours"),
    [
        ('{"text":"a"}', True),
        ('{"input":"a"}', True),
        ('{"continue":false}', True),
        ('{"cancel":true}', True),
        ('{"type":"response.create","input":"a"}', False),
        ('{"type":null,"text":"a"}', False),
        ("{}", False),
        ("{", False),
        ("[]", False),
        ("[" * 100_000, False),
        (b'{"text":"a"}', False),
    ],
)
def test_the_first_message_tells_the_dialect(message: str | bytes, ours: bool) -> None:
    assert speaks(message) is ours


# --- over HTTP -------------------------------------------------------------------------------------------------------


def test_over_http_the_work_may_be_bulk_and_on_the_socket_somebody_listens() -> None:
    policy = OrpheusPolicy(http_class=ServiceClass.BULK)
    assert parse_stream(b'{"text":"Hi."}', policy, resolve).request.service_class is ServiceClass.BULK
    (opened, *_) = OrpheusCodec(policy, resolve).receive('{"text":"Hi."}')
    assert isinstance(opened, Open) and opened.request.service_class is ServiceClass.INTERACTIVE


def test_a_body_is_one_utterance_in_either_form() -> None:
    for field in ("text", "input"):
        call = parse_stream(json.dumps({field: "Hi.", "temperature": 1, "top_p": 1}).encode(), OrpheusPolicy(), resolve)
        assert (call.text, call.text_field, call.not_applied) == ("Hi.", field, ("top_p",))
        assert call.request.options == {"temperature": 1.0}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", InvalidRequest),
        (b"{}", InvalidRequest),
        (b'{"text":" "}', EmptyText),
        (b'{"text":"' + b"x" * 60 + b'"}', TextTooLong),
        (b'{"text":"Hi.","voice":"nobody"}', VoiceNotFound),
        (b'{"text":"Hi.","top_p":2}', InvalidRequest),
    ],
)
def test_bodies_that_are_refused(body: bytes, kind: type[InvalidRequest]) -> None:
    with pytest.raises(kind):
        parse_stream(body, OrpheusPolicy(max_chars=50), resolve)


def test_the_list_of_voices() -> None:
    body = json.loads(
        speakers_body(
            [
                Speaker("tara", VoiceInfo("tara", "Tara", ("en-US", "en"), "female", "Warm"), is_default=True),
                Speaker("kavya", VoiceInfo("x", "Kavya", ("hi",))),
            ]
        )
    )
    assert (body["default"], body["count"]) == ("tara", 2)
    assert body["voices"][0] == {
        "name": "tara",
        "description": "Warm",
        "language": "en-US",
        "gender": "female",
        "accent": "US",
        "preview_url": None,
    }
    assert (body["voices"][1]["description"], body["voices"][1]["gender"], body["voices"][1]["accent"]) == (
        "Kavya",
        "unknown",
        None,
    )


# --- anything at all -------------------------------------------------------------------------------------------------

OBJECTS = objects(
    *(
        "text",
        "input",
        "voice",
        "segment_id",
        "continue",
        "cancel",
        "temperature",
        "top_p",
        "speed",
        "language",
        "model",
    )
)
ENDS = st.integers(1, 6).map(lambda n: done(str(n)))
FAILS = st.integers(1, 6).map(lambda n: Failed(str(n), ModelFailed("x")))


@given(st.lists(st.text() | st.binary() | OBJECTS | ENDS | FAILS, max_size=12))
def test_any_input_gives_actions_or_an_error_of_ours(script: list[Any]) -> None:
    target = codec()
    for step in script:
        if isinstance(step, Finished | Failed):
            assert all(isinstance(item, Reply | Close) for item in target.render(step))
            continue
        speaks(step)
        try:
            target.receive(step)
        except SyrinxError as error:
            target.refuse(error)


@given(st.binary() | OBJECTS.map(str.encode))
def test_any_body_is_a_call_or_an_error_of_ours(body: bytes) -> None:
    try:
        parse_stream(body, OrpheusPolicy(max_chars=50), resolve)
    except SyrinxError:
        pass
