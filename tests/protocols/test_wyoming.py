"""The Wyoming codec as plain values: requests whole and in chunks, ends, errors, and anything a stranger may send."""

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
    Audio,
    AudioFormat,
    Cancel,
    EncodedAudio,
    End,
    Failed,
    Open,
    ServerEvent,
    Started,
)
from syrinx.models.base import ModelInfo, VoiceInfo
from syrinx.protocols.base import Action, Close, Reply
from syrinx.protocols.offered import Listed, Offered, offer
from syrinx.protocols.wyoming.codec import WyomingCodec, WyomingPolicy
from syrinx.protocols.wyoming.frames import EventReader, read_event
from tests.protocols.common import ANYTHING, done

MODEL = ModelInfo("fake", "Fake", 22_050, (VoiceInfo("eve", "Eve", ("en-US", "en", "de")),), "eve", "MIT", "r7")
VOICES = offer(
    [
        Listed("eve", MODEL.voices[0], MODEL, is_default=True),
        Listed("otto", VoiceInfo("otto", "Otto", ("de-AT",)), MODEL),
    ]
)
POLICY = WyomingPolicy(max_chars=50, max_bytes=10_000, default_speed=1.5, version="9")


def codec(voices: list[Offered] | None = None) -> WyomingCodec:
    return WyomingCodec(POLICY, lambda: VOICES if voices is None else voices)


def tell(target: WyomingCodec, event: str, **data: Any) -> list[Action]:
    return target.receive(json.dumps({"type": event, "data": data}).encode() + b"\n")


def said(items: list[Any]) -> list[Any]:
    """Events as (type, data, payload); everything else as it is."""
    return [_event(item) if isinstance(item, Reply) else item for item in items]


def _event(reply: Reply) -> tuple[str, dict[str, Any], bytes]:
    assert isinstance(reply.message, bytes)
    line, _, rest = reply.message.partition(b"\n")
    header = json.loads(line)
    length = header.get("data_length", 0)
    assert header["version"] and header.get("payload_length", 0) == len(rest) - length
    return header["type"], json.loads(rest[:length]) if length else {}, rest[length:]


def refused(target: WyomingCodec, event: str, **data: Any) -> list[Any]:
    with pytest.raises(SyrinxError) as caught:
        tell(target, event, **data)
    return said(target.refuse(caught.value))


def sound(name: str = "1", samples: int = 2205) -> Audio:
    return Audio(name, EncodedAudio(bytes(2 * samples), samples, 22_050, "audio/pcm"))


def heard(target: WyomingCodec, *events: ServerEvent) -> list[Any]:
    return said([item for event in events for item in target.render(event)])


def test_a_request_opens_one_utterance_with_what_it_says() -> None:
    opened, text, end = tell(codec(), "synthesize", text="Hello.", voice={"name": "otto"})
    assert isinstance(opened, Open)
    request = opened.request
    assert (request.model, request.voice, request.language) == (None, "otto", None)
    assert (request.audio, request.delivery.speed) == (AudioFormat("pcm_s16le"), 1.5)
    assert (text, end) == (Append("1", "Hello."), End("1"))


def test_its_audio_tells_its_format_and_its_time() -> None:
    target = codec()
    tell(target, "synthesize", text="Hello.")
    assert target.speaking
    shape = {"rate": 22_050, "width": 2, "channels": 1}
    assert heard(target, Accepted("1"), Started("1", "fake", "eve", 22_050), sound(), sound(), done()) == [
        ("audio-start", {**shape, "timestamp": 0}, b""),
        ("audio-chunk", {**shape, "timestamp": 0}, bytes(4410)),
        ("audio-chunk", {**shape, "timestamp": 100}, bytes(4410)),
        ("audio-stop", {"timestamp": 200}, b""),
    ]
    assert not target.speaking and heard(target, done()) == []


def test_chunks_go_on_as_they_are_and_the_whole_text_is_not_spoken_again() -> None:
    target = codec()
    (opened,) = tell(target, "synthesize-start", voice={"name": "eve"})
    assert isinstance(opened, Open)
    assert tell(target, "synthesize-chunk", text="Hel") == [Append("1", "Hel")]
    assert tell(target, "synthesize-chunk", text="") == []
    assert tell(target, "synthesize-chunk", text="lo.") == [Append("1", "lo.")]
    assert tell(target, "synthesize", text="Hello.") == []
    assert tell(target, "synthesize-stop") == [End("1")]
    events = heard(target, Started("1", "fake", "eve", 22_050), sound(), done())
    assert [event for event, *_ in events] == ["audio-start", "audio-chunk", "audio-stop", "synthesize-stopped"]
    assert len(tell(target, "synthesize", text="Again.")) == 3, "the stream is over"


def test_a_stream_that_has_nothing_to_say_ends_as_one_that_has() -> None:
    target = codec()
    tell(target, "synthesize-start")
    assert heard(target, Failed("1", EmptyText("Nothing."))) == [("synthesize-stopped", {}, b"")]
    assert len(tell(target, "synthesize", text="Again.")) == 3


@pytest.mark.parametrize(
    ("voice", "found"),
    [
        (None, (None, None, None)),
        ({}, (None, None, None)),
        ({"name": "eve"}, (None, "eve", None)),
        ({"name": "eve@de"}, ("fake", "eve", "de")),
        ({"name": "alloy"}, (None, "alloy", None)),
        ({"name": "nobody@de"}, (None, "nobody@de", None)),
        ({"name": "otto", "language": "en"}, (None, "otto", None)),
        ({"language": "de"}, ("fake", "eve", "de")),
        ({"language": "de_AT"}, ("fake", "otto", "de-AT")),
        ({"language": "EN-gb"}, ("fake", "eve", "en-US")),
    ],
)
def test_a_voice_is_found_by_its_name_or_its_language(voice: dict[str, str] | None, found: tuple[Any, ...]) -> None:
    opened, *_ = tell(codec(), "synthesize", text="Hello.", voice=voice)
    assert isinstance(opened, Open)
    assert (opened.request.model, opened.request.voice, opened.request.language) == found


def test_describe_tells_every_voice_with_its_languages_version_and_source() -> None:
    (event,) = said(list(tell(codec(), "describe")))
    kind, data, _ = event
    (program,) = data["tts"]
    assert (kind, program["version"], program["supports_synthesize_streaming"]) == ("info", "9", True)
    assert [(voice["name"], voice["languages"]) for voice in program["voices"]] == [
        ("eve", ["en-US", "en"]),
        ("eve@de", ["de"]),
        ("otto", ["de-AT"]),
    ]
    assert program["voices"][0] == {
        "name": "eve",
        "attribution": {"name": "Fake (MIT)", "url": ""},
        "installed": True,
        "description": "Eve (Fake)",
        "version": "r7",
        "languages": ["en-US", "en"],
    }


def test_before_the_models_are_there_describe_is_an_error_and_the_end() -> None:
    error, close = refused(codec([]), "describe")
    assert error[1]["code"] == ModelNotReady.code and close == Close()


def test_a_ping_is_answered_with_its_text_and_unknown_events_with_nothing() -> None:
    assert said(list(tell(codec(), "ping", text="hi"))) == [("pong", {"text": "hi"}, b"")]
    assert tell(codec(), "run-pipeline", start_stage="tts") == []
    assert tell(codec(), "select-program", name="syrinx") == []


@pytest.mark.parametrize(
    ("event", "data", "code"),
    [
        ("synthesize", {}, InvalidRequest.code),
        ("synthesize", {"text": " \n"}, EmptyText.code),
        ("synthesize", {"text": 5}, InvalidRequest.code),
        ("synthesize", {"text": "x" * 51}, TextTooLong.code),
        ("synthesize", {"text": "a", "voice": "eve"}, InvalidRequest.code),
        ("synthesize", {"text": "a", "voice": {"name": 1}}, InvalidRequest.code),
        ("synthesize", {"text": "a", "voice": {"language": "fr"}}, VoiceNotFound.code),
        ("synthesize", {"text": "a", "voice": {"language": "no language"}}, InvalidRequest.code),
        ("synthesize", {"text": "a", "voice": {"name": "eve", "speaker": "3"}}, VoiceNotFound.code),
        ("synthesize", {"text": "<speak/>", "text_format": "ssml"}, InvalidRequest.code),
        ("synthesize-chunk", {"text": "a"}, "no_stream"),
        ("synthesize-stop", {}, "no_stream"),
        ("ping", {"text": []}, InvalidRequest.code),
    ],
)
def test_what_is_wrong_is_told_as_an_error_and_the_connection_ends(event: str, data: Any, code: str) -> None:
    target = codec()
    (kind, told, _), close = refused(target, event, **data)
    assert (kind, told["code"], close) == ("error", code, Close())
    assert told["text"].endswith(".")
    assert tell(target, "synthesize", text="Hello.") == [], "nothing counts after it"


@pytest.mark.parametrize(("event", "data"), [("synthesize-stop", {}), ("synthesize-chunk", {"text": "late"})])
def test_what_comes_after_the_stop_is_told_when_the_stream_has_ended(event: str, data: Any) -> None:
    target = codec()
    tell(target, "synthesize-start")
    tell(target, "synthesize-chunk", text="Hello.")
    tell(target, "synthesize-stop")
    assert refused(target, event, **data) == []
    *_, stopped, error, close = heard(target, Started("1", "fake", "eve", 22_050), sound(), done())
    assert (stopped[0], error[1]["code"], close) == ("synthesize-stopped", "no_stream", Close())


def test_an_error_waits_for_what_is_being_said() -> None:
    target = codec()
    tell(target, "synthesize", text="Hello.")
    assert refused(target, "synthesize", text="") == []
    *audio, error, close = heard(target, Started("1", "fake", "eve", 22_050), sound(), done())
    assert [event for event, *_ in audio] == ["audio-start", "audio-chunk", "audio-stop"]
    assert error[1]["code"] == EmptyText.code and close == Close()


def test_a_stream_that_is_refused_in_its_middle_is_taken_back() -> None:
    target = codec()
    tell(target, "synthesize-start")
    tell(target, "synthesize-chunk", text="Hello.")
    cancel, error, close = said(target.refuse(TextTooLong(50, 51)))
    assert (cancel, error[0], close) == (Cancel("1"), "error", Close())
    assert heard(target, sound(), done()) == []


def test_a_second_stream_before_the_first_has_its_stop_is_an_error() -> None:
    target = codec()
    tell(target, "synthesize-start")
    cancel, error, close = refused(target, "synthesize-start")
    assert (cancel, error[1]["code"], close) == (Cancel("1"), "stream_open", Close())


def test_a_request_that_the_engine_refuses_is_taken_back() -> None:
    target = codec()
    tell(target, "synthesize", text="Hello.")
    assert [type(item).__name__ for item in target.refuse(Overloaded("Full.", 1.0))] == ["Cancel", "Reply", "Close"]


def test_a_failure_in_mid_air_ends_the_connection() -> None:
    target = codec()
    tell(target, "synthesize", text="Hello.")
    *_, error, close = heard(target, Started("1", "fake", "eve", 22_050), Failed("1", ModelFailed("It broke.")))
    assert error == ("error", {"text": "It broke.", "code": ModelFailed.code}, b"") and close == Close()


# --- framing ---------------------------------------------------------------------------------------------------------


def frame(event: str, data: Any = None, payload: bytes = b"") -> bytes:
    body = b"" if data is None else json.dumps(data).encode()
    header = {"type": event, "data_length": len(body), "payload_length": len(payload)}
    return json.dumps(header).encode() + b"\n" + body + payload


@given(st.lists(st.integers(1, 40), max_size=30))
def test_events_come_out_the_same_however_the_bytes_arrive(sizes: list[int]) -> None:
    stream = frame("ping", {"text": "é" * 5}) + frame("audio-chunk", {"rate": 1}, b"\n{}" * 30) + frame("describe")
    reader, events = EventReader(1000), list[Any]()
    for size in [*sizes, len(stream)]:
        piece, stream = stream[:size], stream[size:]
        events += [read_event(message, 1000) for message in reader.feed(piece)]
    assert events == [("ping", {"text": "é" * 5}), ("audio-chunk", {"rate": 1}), ("describe", {})]


def test_data_behind_the_line_wins_over_data_in_it() -> None:
    (message,) = EventReader(100).feed(b'{"type":"t","data":{"a":1,"b":1},"data_length":7}\n{"b":2}')
    assert read_event(message, 100) == ("t", {"a": 1, "b": 2})


BROKEN = {
    "no JSON": b"GET / HTTP/1.1\r\n",
    "a list": b"[]\n",
    "no type": b"{}\n",
    "a type that is none": b'{"type":7}\n',
    "a type without end": b'{"type":"' + b"x" * 200 + b'"}\n',
    "half a UTF-8 sequence": b'{"type":"ping\xc3"}\n',
    "data that is no object": b'{"type":"ping","data":3}\n',
    "a length below zero": b'{"type":"ping","data_length":-1}\n',
    "a length that is a fraction": b'{"type":"ping","payload_length":0.5}\n',
    "a length that is true": b'{"type":"ping","data_length":true}\n',
    "a length over the bound": b'{"type":"ping","data_length":10001}\n',
    "a payload over the bound": b'{"type":"ping","payload_length":99999999999}\n',
    "a line without end": b'{"type":"' + b"x" * 70_000,
    "deep nesting": b"[" * 60_000 + b"\n",
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_line_that_cannot_be_read_is_an_error_and_nothing_after_it_counts(broken: bytes) -> None:
    reader, target = EventReader(POLICY.max_bytes), codec()
    (message,) = reader.feed(broken)
    with pytest.raises(InvalidRequest) as caught:
        target.receive(message)
    assert [type(item) for item in target.refuse(caught.value)] == [Reply, Close]
    assert reader.feed(frame("describe")) == []


@pytest.mark.parametrize("body", [b'{"text":"\xc3"}', b"[]", b"{", b'"text"', b'{"text":"\\ud800"}'])
def test_data_that_cannot_be_read_is_an_error(body: bytes) -> None:
    (message,) = EventReader(1000).feed(b'{"type":"synthesize","data_length":%d}\n%b' % (len(body), body))
    with pytest.raises(InvalidRequest):
        codec().receive(message)


NAMES = (
    *("describe", "ping", "synthesize", "synthesize-start", "synthesize-chunk", "synthesize-stop"),
    *("audio-start", "transcribe"),
)
FIELDS = st.dictionaries(st.sampled_from(["text", "voice", "text_format", "context"]) | st.text(max_size=4), ANYTHING)


@given(st.lists(st.tuples(st.sampled_from(NAMES), FIELDS), max_size=12))
def test_any_events_give_actions_or_our_errors(script: list[tuple[str, dict[str, Any]]]) -> None:
    target = codec()
    for event, data in script:
        try:
            actions = tell(target, event, **data)
        except SyrinxError as error:
            actions = target.refuse(error)
            said([action for action in actions if isinstance(action, Reply)])
        for action in actions:
            if isinstance(action, Open):
                target.render(Started(action.utterance_id, "fake", "eve", 22_050))


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_any_bytes_give_events_or_our_errors(stream: bytes) -> None:
    target = codec()
    for message in EventReader(POLICY.max_bytes).feed(stream + b"\n"):
        try:
            target.receive(message)
        except SyrinxError as error:
            target.refuse(error)
