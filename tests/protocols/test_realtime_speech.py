"""The Realtime-style codec by plain values. Numbers are rows of the acceptance list of its first server."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.errors import (
    EmptyText,
    InvalidRequest,
    ModelNotFound,
    ModelNotReady,
    Overloaded,
    SyrinxError,
    VoiceNotFound,
    WorkerLost,
)
from syrinx.core.types import (
    Accepted,
    Append,
    Audio,
    Barge,
    Cancel,
    Delivery,
    EncodedAudio,
    End,
    Failed,
    Finished,
    FinishReason,
    Interrupted,
    Mark,
    MarkKind,
    Marks,
    Open,
    ServerEvent,
    Span,
    Started,
)
from syrinx.protocols.base import Action, Drain, Reply
from syrinx.protocols.realtime.codec import RealtimeCodec, RealtimePolicy

VOICES = ("female", "male", "af_heart")


def known_voice(model: str | None, voice: str | None) -> None:
    if model not in (None, "espeak"):
        raise ModelNotFound(f"There is no model {model!r}.", param="model")
    if voice is not None and voice not in VOICES:
        raise VoiceNotFound(f"There is no voice {voice!r}.", param="voice")


def codec(**policy: Any) -> RealtimeCodec:
    return RealtimeCodec(RealtimePolicy(**policy), known_voice)


def tell(target: RealtimeCodec, kind: str, **fields: Any) -> list[Action]:
    """What the pump does with a message: its actions, or those of the refusal."""
    return tell_raw(target, json.dumps({"type": kind, **fields}))


def tell_raw(target: RealtimeCodec, message: str | bytes) -> list[Action]:
    try:
        return target.receive(message)
    except SyrinxError as error:
        return target.refuse(error)


def said(actions: list[Any]) -> list[dict[str, Any]]:
    return [json.loads(action.message) for action in actions if isinstance(action, Reply)]


def error_of(actions: list[Action]) -> dict[str, Any]:
    (event,) = said(actions)
    assert event["type"] == "response.error"
    return event


def request_of(actions: list[Action]) -> Any:
    opened = actions[0]
    assert isinstance(opened, Open)
    return opened.request


def audio(name: str, data: bytes = b"\1\2") -> Audio:
    return Audio(name, EncodedAudio(data, len(data) // 2, 24_000, "audio/pcm"))


def finished(name: str, reason: FinishReason = FinishReason.COMPLETED) -> Finished:
    return Finished(name, reason, 48_000, 2.0, spoken_until=5, text="Hello you.")


# --- settings of the connection ------------------------------------------------------------------------------------


def test_1_02_session_update_echoes_what_is_delivered():
    target = codec()
    for name, rate, container in (("pcm", 8000, "pcm_s16le"), ("opus", 48_000, "opus"), ("mp3", 44_100, "mp3")):
        (event,) = said(tell(target, "session.update", session={"audio": {"format": name, "sample_rate": rate}}))
        assert event["type"] == "session.updated"
        assert event["session"]["audio"] == {"format": name, "sample_rate": rate}
        delivered = request_of(tell(target, "response.create", input="Hi.")).audio
        assert (delivered.container, delivered.sample_rate) == (container, rate)


def test_1_02_the_defaults_are_echoed_where_nothing_is_asked():
    (event,) = said(tell(codec(), "session.update"))
    assert event["session"] == {"voice": None, "audio": {"format": "pcm", "sample_rate": 24_000}}


def test_session_update_takes_its_fields_at_top_level_too():
    (event,) = said(tell(codec(), "session.update", voice="Male", audio={"sample_rate": "16000"}))
    assert event["session"] == {"voice": "male", "audio": {"format": "pcm", "sample_rate": 16_000}}


@pytest.mark.parametrize(
    ("audio", "code"),
    [
        ({"format": "midi"}, "invalid_format"),
        ({"format": 5}, "invalid_format"),
        ({"sample_rate": 7999}, "invalid_format"),
        ({"sample_rate": 48_001}, "invalid_format"),
        ({"sample_rate": True}, "invalid_format"),
        ({"format": "opus", "sample_rate": 44_100}, "invalid_format"),
        ("pcm", "invalid_format"),
    ],
)
def test_a_session_update_that_cannot_be_honoured_changes_nothing(audio: object, code: str):
    target = codec()
    assert error_of(tell(target, "session.update", session={"voice": "male", "audio": audio}))["code"] == code
    request = request_of(tell(target, "response.create", input="Hi."))
    assert request.voice is None and request.audio.sample_rate == 24_000


def test_1_27_opus_is_sent_when_asked_for():
    target = codec(prime_bytes=512, opus_bitrate=32_000)
    tell(target, "session.update", audio={"format": "opus"})
    chosen = request_of(tell(target, "response.create", response_id="a", input="Hi.")).audio
    assert (chosen.container, chosen.bitrate) == ("opus", 32_000)
    assert [e["type"] for e in said(target.render(Started("a", "m", "v", 24_000)))] == ["response.created"]
    (delta,) = said(target.render(audio("a", b"OggS....")))
    assert base64.b64decode(delta["delta"]) == b"OggS...."


# --- responses -----------------------------------------------------------------------------------------------------


def test_1_03_create_gives_created_deltas_and_completed_with_its_id():
    target = codec()
    actions = tell(target, "response.create", response_id="r1", input="Hello there.")
    assert [type(action) for action in actions] == [Open, Append, End]
    events: list[ServerEvent] = [Accepted("r1"), Started("r1", "m", "v", 24_000), audio("r1"), finished("r1")]
    told = [event for item in events for event in said(target.render(item))]
    assert [event["type"] for event in told] == [
        "response.created",
        "response.output_audio.delta",
        "response.completed",
    ]
    assert {event["response"] for event in told} == {"r1"}


def test_1_03_ids_come_from_response_id_or_id_or_are_made_up():
    target = codec()
    ids = [
        action.utterance_id
        for fields in ({"response_id": "a", "id": "b"}, {"id": "b"}, {}, {})
        for action in tell(target, "response.create", input="Hi.", **fields)
        if isinstance(action, Open)
    ]
    assert ids[:2] == ["a", "b"] and len(set(ids)) == 4


@pytest.mark.parametrize("field", ["input", "text", "instructions"])
def test_the_text_may_come_in_any_of_three_fields(field: str):
    assert tell(codec(), "response.create", id="a", **{field: "Hi."})[1] == Append("a", "Hi.")


def test_1_04_a_delta_is_the_audio_in_base64():
    target = codec()
    tell(target, "response.create", response_id="a", input="Hi.")
    data = bytes(range(200))
    (event,) = said(target.render(audio("a", data)))
    assert base64.b64decode(event["delta"], validate=True) == data


def test_1_05_completed_tells_length_without_the_primer():
    target = codec(prime_bytes=512)
    tell(target, "response.create", response_id="a", input="Hi.")
    target.render(Started("a", "m", "v", 24_000))
    (event,) = said(target.render(finished("a")))
    assert (event["duration_s"], event["total_samples"]) == (2.0, 48_000)


@pytest.mark.parametrize(
    ("given", "used"), [(1.5, 1.5), (9, 2.0), (0.1, 0.5), (-3, 0.5), ("1.25", 1.25), (0, 0.9), ("fast", 0.9), ([], 0.9)]
)
def test_1_06_speed_is_clamped_and_nonsense_means_the_default(given: object, used: float):
    assert (
        request_of(tell(codec(default_speed=0.9), "response.create", input="Hi.", speed=given)).delivery.speed == used
    )


def test_delivery_has_the_whole_range_of_speed_with_pitch_and_volume():
    target = codec(default_speed=0.9)
    asked = {"speed": 4, "pitch": 0.5, "volume": 2}
    assert request_of(tell(target, "response.create", input="Hi.", delivery=asked)).delivery == Delivery(4.0, 0.5, 2.0)
    only_pitch = request_of(tell(target, "response.create", input="Hi.", speed=9, delivery={"pitch": 1.5}))
    assert only_pitch.delivery == Delivery(2.0, 1.5, 1.0), "a plain speed is clamped as ever"
    growing = tell(target, "input.append", text="Hi.", delivery={"volume": 0, "speed": None})
    assert request_of(growing).delivery == Delivery(0.9, 1.0, 0.0)


def test_a_response_may_ask_for_audio_made_anew():
    assert request_of(tell(codec(), "response.create", input="Hi.", cache=False)).cache is False
    assert request_of(tell(codec(), "input.append", text="Hi.")).cache is None
    error = error_of(tell(codec(), "response.create", input="Hi.", cache="no"))
    assert (error["code"], "cache" in error["message"]) == ("invalid_request", True)


def test_delivery_of_the_session_holds_for_what_a_response_leaves_out():
    target = codec()
    (event,) = said(tell(target, "session.update", session={"delivery": {"speed": 3, "pitch": 1.2}}))
    assert event["session"]["delivery"] == {"speed": 3.0, "pitch": 1.2, "volume": 1.0}
    assert request_of(tell(target, "response.create", input="Hi.")).delivery == Delivery(3.0, 1.2, 1.0)
    again = request_of(tell(target, "response.create", input="Hi.", speed=1.5, delivery={"volume": 0.5}))
    assert again.delivery == Delivery(1.5, 1.2, 0.5)
    assert request_of(tell(target, "response.create", input="Hi.", speed=0)).delivery.speed == 3.0, "0: the default"


@pytest.mark.parametrize(
    ("delivery", "param"),
    [
        ({"speed": 4.1}, "speed"),
        ({"speed": 0}, "speed"),
        ({"pitch": 0.49}, "pitch"),
        ({"pitch": "high"}, "pitch"),
        ({"volume": -0.1}, "volume"),
        ({"volume": True}, "volume"),
        ([1.0], "delivery"),
    ],
)
def test_a_delivery_out_of_range_is_refused_and_changes_nothing(delivery: object, param: str):
    target = codec()
    for kind, fields in (("response.create", {"input": "Hi."}), ("session.update", {"voice": "male"})):
        error = error_of(tell(target, kind, delivery=delivery, **fields))
        assert (error["code"], error["param"]) == ("invalid_request", param)
    request = request_of(tell(target, "response.create", input="Hi."))
    assert (request.delivery, request.voice) == (Delivery(), None)


def test_marks_are_told_to_those_who_ask():
    told = Marks("a", (Mark(MarkKind.WORD, Span(3, 8), 0.25, 0.51234567, estimated=True),))
    target = codec()
    tell(target, "response.create", response_id="a", input="My words.")
    assert target.render(told) == []
    (event,) = said(tell(target, "session.update", session={"marks": True}))
    assert event["session"]["marks"] is True
    (event,) = said(target.render(told))
    word = {"kind": "word", "start": 3, "end": 8, "start_s": 0.25, "end_s": 0.5123, "estimated": True}
    assert event == {"type": "response.marks", "response": "a", "marks": [word]}
    tell(target, "response.cancel", response_id="a")
    assert target.render(told) == [], "nothing of what is not heard any more"
    assert error_of(tell(target, "session.update", marks="yes"))["param"] == "marks"


def test_created_tells_who_speaks():
    target = codec()
    tell(target, "response.create", response_id="a", input="Hi.")
    (event,) = said(target.render(Started("a", "espeak", "en-us", 24_000)))
    assert event == {"type": "response.created", "response": "a", "model": "espeak", "voice": "en-us"}


def test_1_06_voice_and_speed_may_come_within_audio():
    request = request_of(tell(codec(), "response.create", input="Hi.", audio={"voice": "af_heart", "speed": 1.5}))
    assert request.voice == "af_heart" and request.delivery.speed == 1.5


@pytest.mark.parametrize(
    ("given", "meant"),
    [("FEMALE", "female"), ("f", "female"), ("Male", "male"), ("M", "male"), ("af_heart", "af_heart")],
)
def test_1_07_female_and_male_in_any_case_and_the_models_own(given: str, meant: str):
    assert request_of(tell(codec(), "response.create", input="Hi.", voice=given)).voice == meant


@pytest.mark.parametrize("voice", ["nobody", 5, {"id": "female"}])
def test_1_07_other_voices_are_invalid(voice: object):
    event = error_of(tell(codec(), "response.create", response_id="a", input="Hi.", voice=voice))
    assert event["code"] == "invalid_voice" and event["response"] == "a" and event["message"]


def test_1_08_a_refused_response_leaves_no_trace():
    target = codec(max_pending=1)
    for _ in range(20):
        tell(target, "response.create", response_id="a", input="Hi.", voice="nobody")
    assert isinstance(tell(target, "response.create", response_id="a", input="Hi.")[0], Open)


def test_1_08_a_response_that_the_engine_refuses_leaves_no_trace():
    target = codec(max_pending=1)
    tell(target, "response.create", response_id="a", input="Hi.")
    actions = target.refuse(Overloaded("full", retry_after_s=1.5))
    assert error_of(actions)["code"] == "busy" and error_of(actions)["retry_after_s"] == 1.5
    assert actions[-1] == Cancel("a")
    assert target.render(finished("a", FinishReason.CANCELED)) == []
    assert isinstance(tell(target, "response.create", response_id="b", input="Hi.")[0], Open)


def test_1_09_cancel_names_an_active_or_queued_response_by_either_field():
    target = codec()
    for name in ("a", "b", "c"):
        tell(target, "response.create", response_id=name, input="Hi.")
    assert tell(target, "response.cancel", response="b") == [Cancel("b")]
    assert tell(target, "response.cancel", response_id="c") == [Cancel("c")]
    assert tell(target, "response.cancel") == [Cancel("a")]


def test_1_09_a_second_cancel_is_not_answered_twice():
    target = codec()
    tell(target, "response.create", response_id="a", input="Hi.")
    assert tell(target, "response.cancel", response="a") == [Cancel("a")]
    assert tell(target, "response.cancel", response="a") == []
    (event,) = said(target.render(finished("a", FinishReason.CANCELED)))
    heard = {"spoken_until": 5, "heard": "Hello", "remaining": " you."}
    assert event == {"type": "response.canceled", "response": "a", **heard}
    assert target.render(audio("a")) == []


def test_1_09_an_unknown_response_is_told():
    event = error_of(tell(codec(), "response.cancel", response="never"))
    assert (event["code"], event["response"]) == ("unknown_response", "never")
    assert error_of(tell(codec(), "response.cancel"))["code"] == "unknown_response"


def test_1_16_many_responses_may_be_queued_up_to_the_bound():
    target = codec(max_pending=20)
    assert target.ordered
    for index in range(20):
        assert isinstance(tell(target, "response.create", response_id=str(index), input="Hi.")[0], Open)
    assert error_of(tell(target, "response.create", response_id="20", input="Hi."))["code"] == "busy"
    target.render(finished("0"))
    assert isinstance(tell(target, "response.create", response_id="20", input="Hi.")[0], Open)


def test_an_id_that_is_in_use_or_too_long_is_refused():
    target = codec()
    tell(target, "response.create", response_id="a", input="Hi.")
    assert error_of(tell(target, "response.create", response_id="a", input="Hi."))["code"] == "duplicate_id"
    for bad in (5, ["a"], "x" * 257):
        assert error_of(tell(target, "response.create", response_id=bad, input="Hi."))["code"] == "invalid_id"


# --- text that comes in pieces -------------------------------------------------------------------------------------


def test_1_13_pieces_are_one_response_that_commit_ends():
    target = codec()
    opened, first = tell(target, "input.append", text="Hel")
    assert isinstance(opened, Open) and first == Append(opened.utterance_id, "Hel")
    assert tell(target, "input.append", text="lo.") == [Append(opened.utterance_id, "lo.")]
    assert tell(target, "input.commit") == [End(opened.utterance_id)]
    again = tell(target, "input.append", text="More.")[0]
    assert isinstance(again, Open) and again.utterance_id != opened.utterance_id


def test_white_space_opens_nothing_but_counts_within():
    target = codec()
    assert tell(target, "input.append", text=" \n") == [] and tell(target, "input.append") == []
    tell(target, "input.append", text="a")
    assert len(tell(target, "input.append", text=" ")) == 1


def test_a_commit_of_nothing_is_empty_text():
    assert error_of(tell(codec(), "input.commit"))["code"] == "empty_text"


def test_an_answer_that_grows_by_pieces_is_bounded_in_characters_not_in_words():
    target = codec(max_words=3, max_chars=12)
    for piece in ("on", "e two", " a b "):
        assert said(tell(target, "input.append", text=piece)) == []
    event = error_of(tell(target, "input.append", text="c"))
    assert (event["code"], event["max_characters"], event["got_characters"]) == ("too_long", 12, 13)
    assert "response" not in event, "the open input lives on"
    assert said(tell(target, "input.commit")) == []


def test_when_the_open_input_ends_by_itself_the_next_piece_begins_anew():
    target = codec()
    opened = tell(target, "input.append", text="Hi")[0]
    assert isinstance(opened, Open)
    (event,) = said(target.render(Failed(opened.utterance_id, WorkerLost("gone"))))
    assert (event["code"], event["message"]) == ("stream_error", "gone")
    assert isinstance(tell(target, "input.append", text="Hi")[0], Open)


# --- barge-in and the end ------------------------------------------------------------------------------------------


def test_1_14_barge_cancels_active_queued_and_pending_text():
    target = codec()
    tell(target, "response.create", response_id="a", input="Hi.")
    tell(target, "response.create", response_id="b", input="Hi.")
    pending = tell(target, "input.append", text="and")[0]
    assert isinstance(pending, Open)
    assert tell(target, "barge") == [Barge()]
    assert error_of(tell(target, "response.cancel"))["code"] == "unknown_response", "all are being stopped"
    assert tell(target, "response.cancel", response="b") == []
    assert isinstance(tell(target, "input.append", text="new")[0], Open)


def test_a_client_may_say_what_it_played_when_it_stops_a_response():
    target = codec()
    tell(target, "response.create", response_id="a", input="Hi.")
    assert tell(target, "response.cancel", played_s=1.5) == [Cancel("a", 1.5)]


def test_a_barge_says_which_response_is_being_played_and_how_far():
    target = codec()
    assert tell(target, "barge", response="a", played_s=1.5) == [Barge("a", 1.5)]
    assert tell(target, "barge", response_id="a") == [Barge("a")]


@pytest.mark.parametrize("played_s", [-0.5, "1", True, [], 1e10])
def test_a_play_head_that_is_none_is_refused_and_stops_nothing(played_s: object):
    target = codec()
    tell(target, "response.create", response_id="a", input="Hi.")
    for name in ("response.cancel", "barge"):
        event = error_of(tell(target, name, response="a", played_s=played_s))
        assert (event["code"], event["param"]) == ("invalid_request", "played_s")
    assert error_of(tell(target, "barge", played_s=1.5))["param"] == "response"
    assert tell(target, "response.cancel") == [Cancel("a")]


@pytest.mark.parametrize(
    ("fields", "is_told"),
    [({}, False), ({"heard": False, "response": "a"}, False), ({"heard": True}, True), ({"response": "a"}, True)],
)
def test_of_completed_responses_a_barge_tells_only_who_asks(fields: dict[str, object], is_told: bool):
    target = codec()
    tell(target, "barge", **fields)
    messages = said(target.render(Interrupted("a", 5, "Hello you.")))
    heard = {"spoken_until": 5, "heard": "Hello", "remaining": " you."}
    assert messages == ([{"type": "response.interrupted", "response": "a", **heard}] if is_told else [])


def test_1_15_session_end_commits_what_is_open_and_drains():
    target = codec()
    opened = tell(target, "input.append", text="and")[0]
    assert isinstance(opened, Open)
    assert tell(target, "session.end") == [End(opened.utterance_id), Drain()]
    assert tell(target, "session.end") == []
    assert error_of(tell(target, "response.create", input="Hi."))["code"] == "session_ended"
    assert error_of(tell(target, "input.append", text="Hi."))["code"] == "session_ended"
    assert tell(target, "response.cancel", response=opened.utterance_id) == [Cancel(opened.utterance_id)]


# --- bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", "bad_json"),
        ("[]", "bad_json"),
        ("", "bad_json"),
        ('{"a": NaN}', "bad_json"),
        ('{"a":"\\ud800"}', "bad_json"),
        ("[" * 100_000, "bad_json"),
        (b"{}", "unexpected_binary"),
        ("{}", "unknown_type"),
        ('{"type":"response.create","input":5}', "bad_text"),
        ('{"type":"response.create","text":["a"]}', "bad_text"),
        ('{"type":"input.append","text":{}}', "bad_text"),
        ('{"type":"response.create"}', "empty_text"),
        ('{"type":"response.create","input":" \\n "}', "empty_text"),
        ('{"type":"response.create","input":"Hi.","audio":5}', "invalid_format"),
        ('{"type":"input.append","text":"Hi.","audio":[]}', "invalid_format"),
        ('{"type":"session.update","audio":"pcm"}', "invalid_format"),
        ('{"type":"session.update","session":5}', "invalid_request"),
        ('{"type":"session.update","session":{"model":"gpt"}}', "invalid_model"),
        ('{"type":"session.update","model":5}', "invalid_model"),
    ],
)
def test_1_17_bad_messages_have_their_code_and_the_socket_stays_usable(message: str | bytes, code: str):
    target = codec()
    assert error_of(tell_raw(target, message))["code"] == code
    assert isinstance(tell(target, "response.create", input="Hi.")[0], Open)


@pytest.mark.parametrize(
    ("kind", "got"), [("nonsense", "nonsense"), (5, "a number"), (["a"], "an array"), (None, None)]
)
def test_1_17_an_unknown_type_is_told_back(kind: Any, got: str | None):
    event = error_of(tell(codec(), kind))
    assert event["code"] == "unknown_type" and event["got"] == got


def test_1_18_too_long_tells_limit_and_length():
    event = error_of(tell(codec(max_words=150), "response.create", response_id="a", input="word " * 151))
    assert (event["code"], event["max_words"], event["got_words"]) == ("too_long", 150, 151)
    assert isinstance(tell(codec(max_words=150), "response.create", input="word " * 150)[0], Open)
    assert isinstance(tell(codec(max_words=0), "response.create", input="word " * 9999)[0], Open)


def test_too_many_characters_are_too_long_as_well():
    event = error_of(tell(codec(max_chars=10), "response.create", input="x" * 11))
    assert (event["code"], event["max_characters"], event["got_characters"]) == ("too_long", 10, 11)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EmptyText("x"), "empty_text"),
        (VoiceNotFound("x"), "invalid_voice"),
        (Overloaded("x", 1.0), "busy"),
        (ModelNotReady("x"), "not_ready"),
        (WorkerLost("x"), "stream_error"),
        (InvalidRequest("x", code="odd"), "odd"),
    ],
)
def test_a_failed_response_is_told_in_this_dialects_words(error: SyrinxError, code: str):
    target = codec()
    tell(target, "response.create", response_id="a", input="Hi.")
    (event,) = said(target.render(Failed("a", error)))
    assert (event["type"], event["response"], event["code"]) == ("response.error", "a", code)
    assert target.render(audio("a")) == []


def test_a_voice_cannot_be_judged_while_the_model_loads_so_the_response_will_tell():
    def loading(_: str | None, __: str | None) -> None:
        raise ModelNotReady("loading")

    target = RealtimeCodec(RealtimePolicy(), loading)
    assert isinstance(tell(target, "response.create", input="Hi.", voice="anyone")[0], Open)


# --- primer --------------------------------------------------------------------------------------------------------


def test_1_25_the_primer_is_silence_before_the_first_delta_of_pcm():
    target = codec(prime_bytes=512)
    tell(target, "response.create", response_id="a", input="Hi.")
    created, primer = said(target.render(Started("a", "m", "v", 24_000)))
    assert created["type"] == "response.created"
    assert base64.b64decode(primer["delta"]) == bytes(512)


def test_1_25_without_a_primer_the_first_delta_is_audio():
    target = codec(prime_bytes=0)
    tell(target, "response.create", response_id="a", input="Hi.")
    assert len(said(target.render(Started("a", "m", "v", 24_000)))) == 1


def test_the_dialect_says_nothing_before_the_client_does():
    assert codec().opened() == []


# --- anything at all -----------------------------------------------------------------------------------------------

TYPES = ("session.update", "response.create", "response.cancel", "input.append", "input.commit", "barge", "session.end")
FIELDS = (
    "session",
    "audio",
    "voice",
    "model",
    "speed",
    "delivery",
    "marks",
    "input",
    "text",
    "instructions",
    "response",
    "response_id",
    "id",
)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 99_999)
    | st.floats()
    | st.sampled_from(("a", "pcm", "opus", "male", "")),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from((*FIELDS, "format", "sample_rate", "pitch", "volume")), inner, max_size=3)
    ),
    max_leaves=6,
)
MESSAGES = st.builds(
    lambda kind, fields: json.dumps({**fields, "type": kind}),
    st.sampled_from(TYPES),
    st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=5),
)
CUTS = st.builds(lambda message, at: message[:at], MESSAGES, st.integers(0, 200))


@given(st.lists(MESSAGES | CUTS | st.text(max_size=30) | st.binary(max_size=30), max_size=12))
def test_anything_gives_actions_or_one_error_and_every_response_ends_once(messages: list[str | bytes]):
    target = codec(max_pending=3, max_words=5)
    live: set[str] = set()
    for message in messages:
        for action in tell_raw(target, message):
            if isinstance(action, Reply):
                assert json.loads(action.message)["type"] in ("session.updated", "response.error")
            elif isinstance(action, Open):
                assert action.utterance_id not in live
                live.add(action.utterance_id)
            elif isinstance(action, Cancel):
                assert action.utterance_id in live
                live.discard(action.utterance_id)
                (event,) = said(target.render(finished(action.utterance_id, FinishReason.CANCELED)))
                assert event["type"] == "response.canceled"
            elif isinstance(action, Append | End):
                assert action.utterance_id in live
    for name in live:
        assert [event["type"] for event in said(target.render(finished(name)))] == ["response.completed"]
