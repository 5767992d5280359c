"""The OpenAI speech codec by plain values."""

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
    SyrinxError,
    TextTooLong,
    UnsupportedFormat,
)
from syrinx.core.types import ServiceClass
from syrinx.models.base import ModelInfo, VoiceInfo
from syrinx.protocols.openai.speech import (
    SpeechCall,
    SpeechPolicy,
    StreamFormat,
    audio_models_body,
    delta_event,
    done_event,
    error_event,
    models_body,
    parse_speech,
    voices_body,
    with_instructions,
)

POLICY = SpeechPolicy(max_chars=100, default_speed=1.25, opus_bitrate=48_000)
VOICE = VoiceInfo("en", "English", ("en",), "female")


def parse(**fields: Any) -> SpeechCall:
    return parse_speech(json.dumps({"input": "Hello.", **fields}).encode(), POLICY)


def refused(body: bytes) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        parse_speech(body, POLICY)
    return caught.value


def test_only_the_input_is_needed_and_the_rest_has_openais_defaults():
    call = parse()
    assert call.text == "Hello."
    assert call.request.audio.container == "mp3"
    assert call.request.voice is None and call.request.model is None
    assert call.request.delivery.speed == 1.25
    assert call.stream_format is StreamFormat.AUDIO


def test_pcm_means_24_khz_signed_16_bit():
    audio = parse(response_format="pcm").request.audio
    assert (audio.container, audio.sample_rate) == ("pcm_s16le", 24_000)


@pytest.mark.parametrize("name", ["mp3", "opus", "aac", "flac", "wav"])
def test_openais_other_formats_choose_their_own_rate(name: str):
    audio = parse(response_format=name).request.audio
    assert (audio.container, audio.sample_rate) == (name, None)


def test_the_opus_bit_rate_is_the_operators_and_concerns_opus_only():
    assert parse(response_format="opus").request.audio.bitrate == 48_000
    assert parse(response_format="flac").request.audio.bitrate is None


def test_sample_rate_is_an_extension_that_is_checked_against_the_container():
    assert parse(response_format="pcm", sample_rate=8000).request.audio.sample_rate == 8000
    for fields in ({"response_format": "opus", "sample_rate": 44_100}, {"sample_rate": 7}, {"sample_rate": "high"}):
        with pytest.raises(UnsupportedFormat) as caught:
            parse(**fields)
        assert caught.value.param == "sample_rate"


def test_an_unknown_format_is_refused_by_name():
    with pytest.raises(UnsupportedFormat) as caught:
        parse(response_format="midi")
    assert caught.value.param == "response_format" and "midi" in caught.value.message


def test_voice_is_a_string_or_an_object_with_an_id():
    assert parse(voice="alloy").request.voice == "alloy"
    assert parse(voice={"id": "alloy", "more": 1}).request.voice == "alloy"
    assert parse(voice="").request.voice is None


@pytest.mark.parametrize("voice", [5, [], {"id": 5}, {}])
def test_any_other_voice_is_refused(voice: object):
    assert refused(json.dumps({"input": "x", "voice": voice}).encode()).param == "voice"


def test_the_model_is_passed_on_as_it_is_named():
    assert parse(model="gpt-4o-mini-tts").request.model == "gpt-4o-mini-tts"
    assert parse().request.model is None


def test_our_own_fields_are_taken():
    request = parse(language="pt-BR", pitch=1.5, volume=0.5, service_class="bulk", seed=7, cache=False).request
    assert (request.language, request.service_class, request.seed) == ("pt-BR", ServiceClass.BULK, 7)
    assert (request.cache, parse(cache=True).request.cache, parse().request.cache) == (False, True, None)
    assert (request.delivery.pitch, request.delivery.volume) == (1.5, 0.5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("language", "not a tag"),
        ("language", 5),
        ("pitch", 0.4),
        ("volume", 2.1),
        ("service_class", "first"),
        ("seed", 1.5),
        ("seed", -1),
        ("seed", 2**32),
        ("cache", "yes"),
        ("cache", 1),
    ],
)
def test_our_own_fields_are_checked(name: str, value: object):
    assert refused(json.dumps({"input": "x", name: value}).encode()).param == name


@pytest.mark.parametrize("speed", [0.25, 1, 4.0])
def test_speeds_in_range_are_taken(speed: float):
    assert parse(speed=speed).request.delivery.speed == speed


@pytest.mark.parametrize("speed", [0.2, 4.1, -1, "fast", True, [1]])
def test_speeds_out_of_range_or_of_another_type_are_refused(speed: object):
    assert refused(json.dumps({"input": "x", "speed": speed}).encode()).param == "speed"


def test_unknown_fields_are_ignored():
    assert parse(extra={"deep": [1]}).text == "Hello."


@pytest.mark.parametrize(
    ("text", "error"), [("", EmptyText), (" \n", EmptyText), ("x" * 101, TextTooLong), (5, InvalidRequest)]
)
def test_bad_input_is_refused(text: object, error: type[InvalidRequest]):
    with pytest.raises(error) as caught:
        parse(input=text)
    assert caught.value.param == "input"


def test_missing_input_is_named():
    assert "missing" in refused(b"{}").message


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"\xff", b'{"input":"\\ud800"}', b"[" * 100_000, b'{"input":NaN}', b'{"speed":1e999}', b"null", b"{"],
)
def test_what_is_no_json_object_is_bad_json(body: bytes):
    assert refused(body).code == "bad_json"


@pytest.mark.parametrize("value", ["audio", "sse", None])
def test_stream_formats(value: str | None):
    assert parse(stream_format=value).stream_format.value == (value or "audio")


def test_an_unknown_stream_format_is_refused():
    assert refused(b'{"input":"x","stream_format":"ws"}').param == "stream_format"


def test_instructions_reach_a_model_that_takes_them_and_are_told_where_not():
    plain = ModelInfo("m", "M", 24_000, (VOICE,), "en", "MIT")
    told = ModelInfo("m", "M", 24_000, (VOICE,), "en", "MIT", options_schema={"properties": {"instructions": {}}})
    call = parse(instructions="Whisper.")
    assert with_instructions(call, plain).not_applied == ("instructions",)
    taken = with_instructions(call, told)
    assert taken.request.options == {"instructions": "Whisper."} and not taken.not_applied
    assert with_instructions(parse(), plain) == parse()


def test_sse_lines_hold_slices_of_the_stream_in_the_field_audio():
    line = delta_event(b"\x00\xff\x10")
    assert line.startswith(b"data: ") and line.endswith(b"\n\n")
    event = json.loads(line[6:])
    assert event["type"] == "speech.audio.delta" and base64.b64decode(event["audio"]) == b"\x00\xff\x10"


def test_the_last_sse_line_carries_the_usage():
    event = json.loads(done_event(chars=400, audio_s=60.0)[6:])
    assert event["type"] == "speech.audio.done"
    assert event["usage"] == {"input_tokens": 100, "output_tokens": 1250, "total_tokens": 1350}


def test_an_sse_error_has_a_type_and_the_envelope():
    event = json.loads(error_event(ModelFailed("broke"))[6:])
    assert event["type"] == "error" and event["error"]["message"] == "broke"


def test_lists_have_the_shapes_that_open_webui_and_the_sdks_read():
    assert json.loads(models_body(["a"]))["data"][0] == {
        "id": "a",
        "object": "model",
        "created": 0,
        "owned_by": "syrinx",
    }
    assert json.loads(audio_models_body(["a", "b"])) == {"models": [{"id": "a"}, {"id": "b"}]}
    (voice,) = json.loads(voices_body([("espeak", VOICE, False)]))["voices"]
    assert (voice["id"], voice["name"], voice["model"], voice["cloned"]) == ("en", "English", "espeak", False)


@given(st.binary(max_size=300))
def test_any_bytes_give_a_call_or_a_refusal(body: bytes):
    try:
        assert parse_speech(body, POLICY).text
    except SyrinxError as error:
        assert error.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("input", "model", "voice", "response_format", "speed", "stream_format", "instructions", "sample_rate")


@given(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=8))
def test_any_values_in_our_fields_give_a_call_or_a_refusal(fields: dict[str, object]):
    try:
        call = parse_speech(json.dumps(fields).encode(), POLICY)
    except SyrinxError as error:
        assert error.message
    else:
        assert call.text.strip() and 0.25 <= call.request.delivery.speed <= 4
