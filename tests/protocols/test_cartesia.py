"""Cartesia over HTTP as plain values: bodies, formats, voices, lists, server-sent events, errors."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.errors import (
    ConfigError,
    EmptyText,
    InvalidRequest,
    ModelFailed,
    ModelNotFound,
    ModelNotReady,
    Overloaded,
    SyrinxError,
    TextTooLong,
    Unauthorized,
    UnsupportedFormat,
    VoiceNotFound,
)
from syrinx.core.types import AudioFormat, EncodedAudio, Finished, FinishReason, Mark, MarkKind, Marks, Span
from syrinx.models.base import VoiceInfo
from syrinx.protocols.cartesia.errors import error_body, http_status
from syrinx.protocols.cartesia.lists import MAX_PAGE, ListedAs, voice_body, voices_body
from syrinx.protocols.cartesia.messages import Events
from syrinx.protocols.cartesia.speech import (
    SPEEDS,
    STAND_INS,
    CartesiaCall,
    CartesiaPolicy,
    parse_bytes,
    parse_sse,
)
from syrinx.voices.aliases import OPENAI_VOICES
from tests.protocols.common import Found, OneModel, objects

resolve = OneModel(options=("emotion",))
WAV = {"container": "wav", "encoding": "pcm_f32le", "sample_rate": 44_100}
RAW = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 24_000}
BODY = {"model_id": "sonic-3.5", "transcript": "Hello.", "voice": {"mode": "id", "id": "kavya"}, "output_format": WAV}


def parse(**fields: Any) -> CartesiaCall:
    return parse_bytes(
        json.dumps({**BODY, **fields}).encode(), CartesiaPolicy(max_chars=60, default_speed=1.5), resolve
    )


def events_of(**fields: Any) -> CartesiaCall:
    body = {**BODY, "output_format": RAW, **fields}
    return parse_sse(json.dumps(body).encode(), CartesiaPolicy(max_chars=60), resolve)


# --- bodies ----------------------------------------------------------------------------------------------------------


def test_a_body_becomes_a_request() -> None:
    call = parse(language="hi", generation_config={"speed": 0.9, "volume": 1.5, "emotion": "calm"})
    request = call.request
    assert (call.text, request.model, request.voice, request.language) == ("Hello.", None, "kavya", "hi")
    assert (request.delivery.speed, request.delivery.volume, request.options) == (0.9, 1.5, {"emotion": "calm"})
    assert call.not_applied == () and parse().request.delivery.speed == 1.5


@pytest.mark.parametrize(
    ("wanted", "audio"),
    [
        (RAW, AudioFormat("pcm_s16le", 24_000)),
        ({**RAW, "encoding": "pcm_f32le"}, AudioFormat("pcm_f32le", 24_000)),
        ({**RAW, "encoding": "pcm_mulaw", "sample_rate": 8000}, AudioFormat("mulaw", 8000)),
        ({**RAW, "encoding": "pcm_alaw", "sample_rate": 8000}, AudioFormat("alaw", 8000)),
        (WAV, AudioFormat("wav_f32le", 44_100)),
        ({**WAV, "encoding": "pcm_s16le"}, AudioFormat("wav", 44_100)),
        ({**WAV, "encoding": "pcm_mulaw"}, AudioFormat("wav_mulaw", 44_100)),
        ({**WAV, "encoding": "pcm_alaw"}, AudioFormat("wav_alaw", 44_100)),
        ({"container": "mp3", "sample_rate": 48_000, "bit_rate": 192_000}, AudioFormat("mp3", 48_000, 192_000)),
        ({"container": "mp3", "sample_rate": 8000}, AudioFormat("mp3", 8000)),
    ],
)
def test_the_vendors_formats(wanted: dict[str, Any], audio: AudioFormat) -> None:
    assert parse(output_format=wanted).request.audio == audio


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 24_000, 44_100, 48_000])
def test_the_vendors_rates_in_every_container(rate: int) -> None:
    for container in ("raw", "wav", "mp3"):
        wanted = {"container": container, "encoding": "pcm_s16le", "sample_rate": rate, "bit_rate": 32_000}
        assert parse(output_format=wanted).request.audio.sample_rate == rate


@pytest.mark.parametrize(
    ("wanted", "param"),
    [
        ({}, "container"),
        ({**WAV, "container": "ogg"}, "container"),
        ({**WAV, "encoding": None}, "encoding"),
        ({**WAV, "sample_rate": None}, "sample_rate"),
        ({**WAV, "sample_rate": 1.5}, "sample_rate"),
        ({"container": "mp3", "sample_rate": 44_100, "bit_rate": 1}, "bit_rate"),
        ({"container": "mp3", "sample_rate": 9000}, "sample_rate"),
    ],
)
def test_other_formats_are_refused_by_the_field_that_is_wrong(wanted: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(output_format=wanted)
    assert caught.value.param == param


def test_events_are_of_raw_audio_and_may_have_words_and_a_name() -> None:
    call = events_of(add_timestamps=True, context_id="happy")
    assert (call.with_words, call.context_id, call.request.audio.container) == (True, "happy", "pcm_s16le")
    assert events_of().context_id is None and not events_of(context_id=None).with_words
    with pytest.raises(UnsupportedFormat):
        events_of(output_format=WAV)
    with pytest.raises(InvalidRequest, match="phonemes"):
        events_of(add_phoneme_timestamps=True)


@pytest.mark.parametrize("voice", ["kavya", {"id": "kavya"}, {"mode": "id", "id": "kavya", "extra": 1}])
def test_a_voice_is_an_id_or_an_object_with_one(voice: Any) -> None:
    assert parse(voice=voice).request.voice == "kavya"


@pytest.mark.parametrize("voice", [None, "", {"mode": "id", "id": None}, {"mode": "id"}])
def test_no_voice_is_the_default_one(voice: Any) -> None:
    assert parse(voice=voice).request.voice is None


@pytest.mark.parametrize(
    ("gender", "beginnings"),
    [("female", "f786b574 6ccbfb76 e07c00bc 694f9389 71a7ad14 db6b0ed5"), ("male", "86e30c1d a0e99841 a167e0f3")],
)
def test_a_voice_of_the_vendor_keeps_its_gender(gender: str, beginnings: str) -> None:
    """Katie, Tessa, Brooke, Sarah, Charlotte, Skylar; Carson, Greg, Blake, in the order of the table or not."""
    found = {voice[:8] for voice, stand_in in STAND_INS.items() if OPENAI_VOICES[stand_in] == gender}
    assert found == set(beginnings.split())


def test_the_vendors_voices_have_stand_ins_and_its_models_are_the_default() -> None:
    def resolve_openai(model: str | None, voice: str | None) -> Found:
        return resolve(model, None if voice in OPENAI_VOICES else voice)

    for voice, stand_in in STAND_INS.items():
        body = json.dumps({**BODY, "voice": voice}).encode()
        assert parse_bytes(body, CartesiaPolicy(), resolve_openai).request.voice == stand_in
    for model in ("sonic", "sonic-latest", "sonic-3.6", "sonic-turbo-2025-03-07", None):
        assert parse(model_id=model).request.model is None
    assert parse(model_id="kokoro").request.model == "kokoro"
    with pytest.raises(VoiceNotFound):
        parse(voice="00000000-0000-0000-0000-000000000000")


@pytest.mark.parametrize(("word", "speed"), SPEEDS.items())
def test_the_older_words_for_speed(word: str, speed: float) -> None:
    assert parse(speed=word).request.delivery.speed == speed
    assert parse(speed=word, generation_config={"speed": 1.3}).request.delivery.speed == 1.3


def test_what_is_not_done_is_told() -> None:
    call = parse(save=True, pronunciation_dict_id="d", use_normalized_timestamps=True, normalization="off")
    assert call.not_applied == ("pronunciation_dict_id", "save", "use_normalized_timestamps", "normalization")
    assert parse(save=False, normalization="auto").not_applied == ()
    body = json.dumps({**BODY, "generation_config": {"emotion": "sad"}}).encode()
    assert parse_bytes(body, CartesiaPolicy(), OneModel()).not_applied == ("emotion",)


def test_a_locale_is_a_language() -> None:
    assert parse(locale="en-GB").request.language == "en-GB"
    assert parse(language="de", locale="en").request.language == "de"


@pytest.mark.parametrize(
    ("fields", "kind", "param"),
    [
        ({"transcript": " "}, EmptyText, "transcript"),
        ({"transcript": None}, InvalidRequest, "transcript"),
        ({"transcript": "x" * 61}, TextTooLong, "transcript"),
        ({"voice": "nobody"}, VoiceNotFound, "voice"),
        ({"model_id": 5}, InvalidRequest, "model_id"),
        ({"output_format": "wav"}, InvalidRequest, "output_format"),
        ({"generation_config": []}, InvalidRequest, "generation_config"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], kind: type[SyrinxError], param: str) -> None:
    with pytest.raises(kind) as caught:
        parse(**fields)
    assert isinstance(caught.value, SyrinxError) and caught.value.param == param


@given(st.binary() | objects(*BODY, "language", "speed", "generation_config", "context_id").map(str.encode))
def test_any_body_is_a_call_or_invalid(body: bytes) -> None:
    for read in (parse_bytes, parse_sse):
        try:
            assert isinstance(read(body, CartesiaPolicy(), resolve), CartesiaCall)
        except InvalidRequest as error:
            assert error.message


@given(st.integers(0, 200), st.binary(max_size=4))
def test_a_bent_body_is_a_call_or_invalid(at: int, junk: bytes) -> None:
    raw = json.dumps({**BODY, "language": "en", "generation_config": {"speed": 1.2}}).encode()
    try:
        parse_bytes(raw[:at] + junk + raw[at + len(junk) :], CartesiaPolicy(), resolve)
    except InvalidRequest as error:
        assert error.message


# --- events ----------------------------------------------------------------------------------------------------------


def read_events(raw: bytes) -> list[tuple[str, dict[str, Any]]]:
    """As a reader of server-sent events does it."""
    found: list[tuple[str, dict[str, Any]]] = []
    for block in raw.decode().split("\n\n")[:-1]:
        kind, data = block.split("\n")
        found.append((kind.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def test_server_sent_events_have_words_audio_and_an_end() -> None:
    events = Events("Hello, there.", "happy", "req_1", with_words=True)
    finished = Finished("1", FinishReason.COMPLETED, 1, 0.5, 13)
    events.note(Marks("1", (Mark(MarkKind.WORD, Span(0, 5), 0.0, 0.4),)))
    raw = events.piece(EncodedAudio(b"\1\2", 1, 24_000, "audio/pcm"))
    events.note(Marks("1", (Mark(MarkKind.WORD, Span(7, 12), 0.5, 0.9),)))
    told = read_events(raw + events.end(None, finished))
    assert [kind for kind, _ in told] == ["timestamps", "chunk", "timestamps", "done"]
    assert all(data["type"] == kind and data["context_id"] == "happy" for kind, data in told)
    assert [data["done"] for _, data in told] == [False, False, False, True]
    assert told[0][1]["word_timestamps"] == {"words": ["Hello,"], "start": [0.0], "end": [0.4]}
    assert base64.b64decode(told[1][1]["data"]) == b"\1\2" and "flush_id" not in told[1][1]
    (error,) = read_events(events.broken(ModelFailed("It broke.")))
    assert error[0] == "error" and (error[1]["request_id"], error[1]["status_code"]) == ("req_1", 502)


def test_words_are_told_only_where_they_are_asked_for() -> None:
    events = Events("Hello.", None, "req_1", with_words=False)
    events.note(Marks("1", (Mark(MarkKind.WORD, Span(0, 5), 0.0, 0.4),)))
    ((kind, data),) = read_events(events.piece(EncodedAudio(b"\1\2", 1, 24_000, "audio/pcm")))
    assert kind == "chunk" and data["context_id"] is None


# --- lists -----------------------------------------------------------------------------------------------------------

VOICES = [
    ListedAs(name, VoiceInfo(name, name.title(), ("en-GB", "de"), gender))
    for name, gender in (("ann", "female"), ("bob", "male"), ("cid", ""))
]
VOICES.append(ListedAs("dan", VoiceInfo("dan", "Dan", ("hi",), "male", description="of my own"), cloned=True))


def listed(**query: str) -> list[str]:
    return [entry["id"] for entry in json.loads(voices_body(VOICES, query))["data"]]


def test_a_voice_has_the_fields_that_clients_read() -> None:
    voice = json.loads(voice_body(VOICES[0]))
    assert (voice["id"], voice["name"], voice["language"], voice["gender"]) == ("ann", "Ann", "en", "feminine")
    assert voice["locales"] == [{"locale": "en-GB", "is_native": True}, {"locale": "de", "is_native": False}]
    assert (voice["is_owner"], voice["access"], voice["visibility"]) == (False, "public", "all")
    own = json.loads(voice_body(VOICES[3]))
    assert (own["is_owner"], own["is_public"], own["access"], own["visibility"]) == (True, False, "private", "owner")
    assert json.loads(voice_body(VOICES[2]))["gender"] is None


def test_lists_are_searched_and_paged() -> None:
    assert listed() == ["ann", "bob", "cid", "dan"]
    assert listed(q="OF MY") == listed(is_owner="true") == ["dan"] and listed(is_owner="false", q="B") == ["bob"]
    assert listed(gender="masculine") == ["bob", "dan"] and listed(gender="gender_neutral") == ["cid"]
    assert listed(limit="2") == ["ann", "bob"] and listed(limit="2", starting_after="bob") == ["cid", "dan"]
    assert listed(starting_after="dan") == [] and listed(ending_before="cid", limit="1") == ["bob"]
    page = json.loads(voices_body(VOICES, {"limit": "2"}))
    assert (page["has_more"], page["next_page"]) == (True, "bob")
    page = json.loads(voices_body(VOICES, {"starting_after": "bob"}))
    assert (page["has_more"], page["next_page"]) == (False, None)


def test_of_voices_of_one_name_the_first_is_listed() -> None:
    twice = [VOICES[1], VOICES[0], ListedAs("bob", VoiceInfo("bob", "Other", ("hi",)))]
    assert [entry["name"] for entry in json.loads(voices_body(twice, {}))["data"]] == ["Bob", "Ann"]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": str(MAX_PAGE + 1)}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"limit": "1" * 5000}, "limit"),
        ({"limit": "0" * 5 + "1" + "0" * 5000}, "limit"),
        ({"limit": "0" * 5 + "1000"}, "limit"),
        ({"limit": "²"}, "limit"),
        ({"starting_after": "nobody"}, "starting_after"),
        ({"ending_before": "nobody"}, "ending_before"),
    ],
)
def test_a_wrong_page_is_refused(query: dict[str, str], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        voices_body(VOICES, query)
    assert caught.value.param == param


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (EmptyText("x"), 400, "empty_transcript"),
        (TextTooLong(1, 2), 400, "transcript_too_long"),
        (VoiceNotFound("x"), 404, "voice_not_found"),
        (ModelNotFound("x"), 400, "model_not_found"),
        (UnsupportedFormat("x"), 400, "invalid_output_format"),
        (InvalidRequest("x", code="bad_json"), 400, "bad_json"),
        (InvalidRequest("x", code="body_too_large"), 413, "body_too_large"),
        (InvalidRequest("x", code="body_timeout"), 408, "body_timeout"),
        (Unauthorized("x"), 401, "invalid_api_key"),
        (Overloaded("x", 1.0), 429, "concurrency_limited"),
        (ModelNotReady("x"), 503, "model_not_ready"),
        (ModelFailed("x"), 502, "model_failed"),
        (ConfigError("x"), 503, "config_error"),
    ],
)
def test_errors_in_the_vendors_words(error: SyrinxError, status: int, code: str) -> None:
    body = json.loads(error_body(error, "req_1"))
    assert (http_status(error), body["error_code"], body["request_id"]) == (status, code, "req_1")
    assert body["title"] and body["message"] == error.message
