"""The Chatterbox dialect as plain values: frames, counts, metrics, voices, and anything a stranger may send."""

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
    ModelFailed,
    Overloaded,
    SyrinxError,
    TextTooLong,
    UnsupportedFormat,
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
    ServiceClass,
    Started,
)
from syrinx.protocols.base import Action, Ask, Close, Drain, Reply, Timing
from syrinx.protocols.chatterbox.codec import ChatterboxCodec, ChatterboxPolicy, parse_synthesize
from syrinx.protocols.chatterbox.frames import TOKEN_BYTES
from syrinx.protocols.chatterbox.messages import KnownVoice
from syrinx.protocols.chatterbox.voice import Registration
from tests.protocols.common import HEARD, OneModel, done, objects, said, sound

POLICY = ChatterboxPolicy(max_chars=50, default_speed=1.5, chunk_tokens=4, max_reference_bytes=30, opus_bitrate=32_000)
CLIP = base64.b64encode(b"a recording").decode()
resolve = OneModel(options=("exaggeration",))


def codec(policy: ChatterboxPolicy = POLICY) -> ChatterboxCodec:
    return ChatterboxCodec(policy, resolve, lambda: [KnownVoice("kavya", "A voice")])


def tell(target: ChatterboxCodec, kind: str, **fields: Any) -> list[Action]:
    return target.receive(json.dumps({"type": kind, **fields}))


def say(target: ChatterboxCodec, text: str = "Hello.", **fields: Any) -> list[Action]:
    return tell(target, "synthesize", text=text, **fields)


def refused(target: ChatterboxCodec, kind: str, **fields: Any) -> list[Any]:
    with pytest.raises(SyrinxError) as caught:
        tell(target, kind, **fields)
    return said(target.refuse(caught.value))


def opened(actions: list[Action]) -> Open:
    (found,) = [action for action in actions if isinstance(action, Open)]
    return found


def test_synthesize_opens_one_utterance_with_what_it_says() -> None:
    actions = say(codec(), voice_id="kavya", exaggeration=0.7, cfg_weight=0.5, pitch=1.1, language="hi")
    request = opened(actions).request
    assert (request.voice, request.language, request.audio) == ("kavya", "hi", AudioFormat("pcm_f32le", 24_000))
    assert (request.delivery.speed, request.delivery.pitch) == (1.5, 1.1)
    assert request.options == {"exaggeration": 0.7} and request.service_class is ServiceClass.INTERACTIVE
    assert actions[1:] == [Append("1", "Hello."), End("1")]


def test_a_request_may_ask_for_audio_made_anew() -> None:
    assert opened(say(codec(), cache=False)).request.cache is False
    assert opened(say(codec())).request.cache is None


def test_the_throughput_profile_is_bulk_work_in_full_frames() -> None:
    target = codec(ChatterboxPolicy(chunk_tokens=4, early=False, service_class=ServiceClass.BULK))
    assert opened(say(target)).request.service_class is ServiceClass.BULK
    frames = target.render(sound(data=bytes(9 * TOKEN_BYTES)))
    assert [len(frame.message) for frame in frames if isinstance(frame, Reply)] == [4 * TOKEN_BYTES] * 2


def test_3_01_frames_then_the_count_and_the_metrics() -> None:
    target = codec()
    say(target, cfg_weight=0.5)
    assert target.render(Accepted("1")) == target.render(Started("1", "m", "kavya", 24_000)) == []
    frames = target.render(sound(data=bytes(6 * TOKEN_BYTES)))
    target.note_timing("1", Timing(ttfa_s=0.05, wall_s=0.25))
    *rest, complete = said(target.render(done(audio_s=0.5)))
    lengths = [len(frame.message) // TOKEN_BYTES for frame in (*frames, *rest) if isinstance(frame, Reply)]
    assert lengths == [1, 1, 2, 2]
    assert complete == {
        "type": "synthesis_complete",
        "chunk_id": 4,
        "metrics": {"ttfb_ms": 50.0, "total_ms": 250.0, "rtf": 0.5, "chunks": 4},
        "not_applied": ["cfg_weight"],
    }


def test_3_02_without_streaming_there_is_one_frame() -> None:
    target = codec()
    say(target, streaming=False, chunk_size=1)
    assert target.render(sound(data=bytes(30 * TOKEN_BYTES))) == []
    frame, complete = target.render(done())
    assert isinstance(frame, Reply) and len(frame.message) == 30 * TOKEN_BYTES
    assert said([complete])[0]["chunk_id"] == 1


def test_3_13_a_request_may_name_the_length_of_its_frames() -> None:
    target = codec()
    say(target, chunk_size=2)
    frames = target.render(sound(data=bytes(8 * TOKEN_BYTES)))
    assert [len(f.message) // TOKEN_BYTES for f in frames if isinstance(f, Reply)] == [1, 1, 2, 2, 2]


def test_a_request_id_is_repeated_in_all_that_is_said_of_it() -> None:
    target = codec()
    say(target, request_id="r")
    assert said(target.render(done()))[-1]["request_id"] == "r"
    assert refused(target, "synthesize", text="x", request_id=7, speed=0)[0]["request_id"] == 7
    say(target, request_id="f")
    (error,) = said(target.render(Failed("2", ModelFailed("It broke."))))
    assert error == {"type": "error", "message": "It broke.", "code": "model_failed", "request_id": "f"}


def test_what_failed_gives_the_audio_that_there_was() -> None:
    target = codec()
    say(target, streaming=False)
    target.render(sound(data=bytes(TOKEN_BYTES)))
    frame, error = said(target.render(Failed("1", ModelFailed("It broke."))))
    assert len(frame.message) == TOKEN_BYTES and error["code"] == "model_failed"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"text": ""}, "text"),
        ({"text": None}, "text"),
        ({"text": ["x"]}, "text"),
        ({"text": "x" * 51}, "text"),
        ({"voice_id": "nobody"}, "voice_id"),
        ({"voice_id": 1}, "voice_id"),
        ({"exaggeration": 2.1}, "exaggeration"),
        ({"exaggeration": -0.1}, "exaggeration"),
        ({"exaggeration": "much"}, "exaggeration"),
        ({"cfg_weight": 3.1}, "cfg_weight"),
        ({"chunk_size": 0}, "chunk_size"),
        ({"chunk_size": 1001}, "chunk_size"),
        ({"chunk_size": "25"}, "chunk_size"),
        ({"streaming": "yes"}, "streaming"),
        ({"speed": 5}, "speed"),
        ({"language": "?"}, "language"),
        ({"cache": "no"}, "cache"),
        ({"request_id": {}}, "request_id"),
        ({"request_id": "x" * 257}, "request_id"),
    ],
)
def test_what_is_wrong_is_refused_by_name_and_the_next_is_spoken(fields: dict[str, Any], param: str) -> None:
    target = codec()
    (error,) = refused(target, "synthesize", **{"text": "Hello.", **fields})
    assert (error["type"], error["param"]) == ("error", param) and error["message"]
    assert opened(say(target))


def test_3_15_empty_text_is_told_with_and_without_streaming() -> None:
    for streaming in (True, False):
        (error,) = refused(codec(), "synthesize", text=" \n", streaming=streaming, request_id="r")
        assert (error["message"], error["code"], error["request_id"]) == ("Empty text", "empty_text", "r")


def test_3_15_a_text_of_nothing_speakable_is_told_by_the_name_that_the_client_gave_it() -> None:
    target = codec()
    say(target, "...")
    (error,) = said(target.render(Failed("1", EmptyText("There is nothing to speak in this text.", param="input"))))
    assert (error["code"], error["param"]) == ("empty_text", "text")


@pytest.mark.parametrize("kind", ["speak", "", None, 5, [], "x" * 1000])
def test_unknown_types_are_told(kind: Any) -> None:
    (error,) = refused(codec(), kind)
    assert error["code"] == "unknown_type" and "synthesize" in error["message"] and len(error["message"]) < 300


def test_binary_and_bad_json_are_told() -> None:
    for message, code in ((b"{}", "unexpected_binary"), ("{", "bad_json"), ("[]", "bad_json"), ("", "bad_json")):
        target = codec()
        with pytest.raises(InvalidRequest) as caught:
            target.receive(message)
        assert said(target.refuse(caught.value))[0]["code"] == code


def test_cancel_stops_a_request_or_all_and_drops_what_is_held() -> None:
    target = codec()
    for name in ("a", "b", "a"):
        say(target, request_id=name, streaming=False)
    assert tell(target, "cancel", request_id="a") == [Cancel("3"), Cancel("1")]
    assert tell(target, "cancel") == [Cancel("3"), Cancel("2"), Cancel("1")]
    target.render(sound())
    (complete,) = said(target.render(done("1", FinishReason.CANCELED)))
    assert complete == {"type": "synthesis_complete", "chunk_id": 0, "request_id": "a", "canceled": True, **HEARD}
    assert tell(target, "cancel", played_s=0.5) == [Cancel("3"), Cancel("2", 0.5)], "the first is the one that plays"
    assert tell(codec(), "cancel") == []
    assert refused(codec(), "cancel", request_id="zzz")[0]["code"] == "unknown_request"


def test_close_ends_the_session_after_what_is_queued() -> None:
    target = codec()
    assert tell(target, "close") == [Drain()]
    assert refused(target, "synthesize", text="More.")[0]["code"] == "session_ended"


def test_answers_come_in_the_order_of_their_requests() -> None:
    target = codec()
    say(target)
    assert refused(target, "synthesize", text="", request_id="e") == []
    complete, error = said(target.render(done()))
    assert (complete["type"], error["request_id"]) == ("synthesis_complete", "e")


def test_a_request_that_the_session_refuses_is_taken_back() -> None:
    target = codec()
    say(target)
    cancel, error = said(target.refuse(Overloaded("Too many.", 1.0)))
    assert cancel == Cancel("1") and error["code"] == "overloaded"
    assert target.render(done("1")) == []


# --- voices ----------------------------------------------------------------------------------------------------------


def test_3_08_the_list_says_no_path() -> None:
    (listed,) = said(tell(codec(), "list_voices", request_id=1))
    entry = {"voice_id": "kavya", "description": "A voice", "path": "", "is_cached": True}
    assert listed == {"type": "voice_list", "voices": [entry], "request_id": 1}


def test_3_04_a_registration_is_asked_for_and_answered() -> None:
    fields = {"voice_id": "my_voice", "reference_audio": CLIP, "description": "Mine", "language": "en"}
    (ask,) = tell(codec(), "register_voice", request_id="r", **fields)
    assert isinstance(ask, Ask)
    assert ask.question == Registration("my_voice", b"a recording", "Mine", "en")
    assert said(ask.then(object())) == [{"type": "voice_registered", "voice_id": "my_voice", "request_id": "r"}]
    (error,) = said(ask.then(InvalidRequest("Too short.", code="audio_too_short")))
    assert error == {"type": "error", "message": "Too short.", "code": "audio_too_short", "request_id": "r"}


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "a\\b", "", " ", ".", "..", "a b", "a\x00", "é", "x" * 65, "default", "Default", None, 5]
)
def test_3_06_a_voice_id_that_is_no_plain_name_is_refused(name: Any) -> None:
    (error,) = refused(codec(), "register_voice", voice_id=name, reference_audio=CLIP)
    assert error["param"] == "voice_id"


@pytest.mark.parametrize(
    ("audio", "code"),
    [
        (None, "bad_audio"),
        ("", "bad_audio"),
        ("!!!!", "bad_audio"),
        ("AAA", "bad_audio"),
        ("é", "bad_audio"),
        ("=" * 8, "bad_audio"),
        ("A" * 46, "audio_too_long"),
        (5, "invalid_request"),
    ],
)
def test_a_recording_that_is_no_base64_is_refused(audio: Any, code: str) -> None:
    (error,) = refused(codec(), "register_voice", voice_id="v", reference_audio=audio)
    assert (error["code"], error["param"]) == (code, "reference_audio")


def test_base64_may_have_line_ends() -> None:
    (ask,) = tell(codec(), "register_voice", voice_id="v", reference_audio=CLIP[:8] + "\r\n" + CLIP[8:])
    assert isinstance(ask, Ask) and isinstance(ask.question, Registration) and ask.question.audio == b"a recording"


# --- over HTTP -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "audio"),
    [
        ({}, AudioFormat("wav")),
        ({"format": "mp3"}, AudioFormat("mp3")),
        ({"format": "opus"}, AudioFormat("opus", bitrate=32_000)),
        ({"format": "pcm"}, AudioFormat("pcm_s16le", 24_000)),
        ({"format": "pcm_f32le"}, AudioFormat("pcm_f32le", 24_000)),
        ({"format": "WAV", "sample_rate": 16_000}, AudioFormat("wav", 16_000)),
    ],
)
def test_3_09_a_body_names_its_format(fields: dict[str, Any], audio: AudioFormat) -> None:
    call = parse_synthesize(json.dumps({"text": "Hi.", "exaggeration": 1, **fields}).encode(), POLICY, resolve)
    assert call.request.audio == audio and call.request.options == {"exaggeration": 1.0}
    assert (call.text, call.text_field) == ("Hi.", "text")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", InvalidRequest),
        (b'{"text":" "}', EmptyText),
        (b'{"text":"' + b"x" * 60 + b'"}', TextTooLong),
        (b'{"text":"Hi.","voice_id":"nobody"}', VoiceNotFound),
        (b'{"text":"Hi.","format":"midi"}', UnsupportedFormat),
        (b'{"text":"Hi.","sample_rate":1}', UnsupportedFormat),
        (b'{"text":"Hi.","exaggeration":9}', InvalidRequest),
    ],
)
def test_bodies_that_are_refused(body: bytes, kind: type[InvalidRequest]) -> None:
    with pytest.raises(kind):
        parse_synthesize(body, POLICY, resolve)


# --- anything at all -------------------------------------------------------------------------------------------------

KINDS = st.sampled_from(["synthesize", "cancel", "register_voice", "list_voices", "close"])
FIELDS = objects(
    *("text", "voice_id", "chunk_size", "exaggeration", "streaming", "cfg_weight", "request_id", "reference_audio"),
    *("speed", "format", "sample_rate", "language"),
)
MESSAGES = st.tuples(KINDS, FIELDS).map(lambda both: json.dumps({**json.loads(both[1]), "type": both[0]}))
NUMBERS = st.integers(1, 6).map(str)
EVENTS = NUMBERS.map(done) | NUMBERS.map(sound) | NUMBERS.map(lambda name: Failed(name, ModelFailed("x")))


@given(st.lists(st.text() | st.binary() | FIELDS | MESSAGES | EVENTS, max_size=12))
def test_any_input_gives_actions_or_an_error_of_ours(script: list[Any]) -> None:
    target = codec()
    for step in script:
        if not isinstance(step, str | bytes):
            if isinstance(step, Finished):
                target.note_timing(step.utterance_id, Timing(None, 0.0))
            assert all(isinstance(item, Reply | Close) for item in target.render(step))
            continue
        try:
            target.receive(step)
        except SyrinxError as error:
            target.refuse(error)


@given(st.binary() | FIELDS.map(str.encode))
def test_any_body_is_a_call_or_an_error_of_ours(body: bytes) -> None:
    try:
        parse_synthesize(body, POLICY, resolve)
    except SyrinxError:
        pass
