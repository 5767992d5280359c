"""Piper's HTTP API as plain values."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.errors import EmptyText, InvalidRequest, SyrinxError, TextTooLong, UnsupportedFormat, VoiceNotFound
from syrinx.core.types import AudioFormat
from syrinx.models.base import ModelInfo, VoiceInfo
from syrinx.protocols.offered import Listed, offer
from syrinx.protocols.one_shot import OneShot
from syrinx.protocols.piper import Cast, PiperPolicy, parse_piper, voices_body
from tests.protocols.common import Found, OneModel, objects

KAVYA = VoiceInfo("kavya", "Kavya", ("hi",))
MODEL = ModelInfo("m", "M", 22_050, (KAVYA,), "kavya", "MIT")
VOICES = offer([Listed("kavya", KAVYA, MODEL, True), Listed("ryan", VoiceInfo("ryan", "Ryan", ("en-US", "de")), MODEL)])


def resolve(model: str | None, voice: str | None) -> Found:
    """As the engine does: it knows nothing of languages and models in names."""
    return Found(MODEL, voice) if voice == "ryan" else OneModel()(model, voice)


CAST = Cast(resolve, lambda: VOICES)


def parsed(body: bytes | dict[str, Any], **query: str) -> OneShot:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return parse_piper(raw, query, PiperPolicy(max_chars=50, default_speed=1.2), CAST)


def who(call: OneShot) -> tuple[str | None, str | None, str | None]:
    return call.request.model, call.request.voice, call.request.language


def test_what_pipecat_sends() -> None:
    call = parsed({"text": "Hello.", "voice": None})
    assert (call.text, who(call), call.not_applied) == ("Hello.", (None, None, None), ())
    assert (call.request.audio, call.request.delivery.speed) == (AudioFormat("wav"), 1.2)


def test_plain_text_with_its_fields_in_the_query() -> None:
    call = parsed(b"Gr\xc3\xbc\xc3\x9fe!", voice="kavya", speed="2", sample_rate="8000", volume="0.5", text="not this")
    assert call.text == "Grüße!" and who(call) == (None, "kavya", None)
    assert (call.request.delivery.speed, call.request.delivery.volume) == (2, 0.5)
    assert call.request.audio == AudioFormat("wav", 8000)


@pytest.mark.parametrize("text", ["{not JSON", "{{long 2}}", "[1]", "1e9"])
def test_what_only_looks_like_json_is_text(text: str) -> None:
    assert parsed(text.encode()).text == text


@pytest.mark.parametrize(
    "body", ['{"note": "no text in it"}', '{"text": "Hel', '[{"text": "Hello."}]', "{}", '\ufeff{"t']
)
def test_what_is_meant_as_json_is_not_read_out(body: str) -> None:
    with pytest.raises(InvalidRequest):
        parsed(body.encode())


@pytest.mark.parametrize(
    ("fields", "found", "told"),
    [
        ({"voice": "ryan"}, (None, "ryan", None), ()),
        ({"voice": "ryan@de"}, ("m", "ryan", "de"), ()),
        ({"voice": "ryan", "language": "de"}, (None, "ryan", "de"), ()),
        ({"voice": "tara"}, (None, "tara", None), ()),
        ({"language": "de"}, ("m", "ryan", "de"), ()),
        ({"voice": "en_US-lessac-medium"}, ("m", "ryan", "en-US"), ("voice",)),
        ({"voice": "de"}, ("m", "ryan", "de"), ("voice",)),
        ({"voice": "hi_IN-pratham-x_low"}, ("m", "kavya", "hi"), ("voice",)),
    ],
)
def test_a_voice_is_found_and_a_stand_in_is_told(fields: dict[str, str], found: Any, told: Any) -> None:
    call = parsed({"text": "Hello.", **fields})
    assert (who(call), call.not_applied) == (found, told)


def test_a_length_scale_is_a_speed_and_noise_is_told_as_not_applied() -> None:
    call = parsed({"text": "a", "length_scale": 0.5, "noise_scale": 0.3, "speaker_id": 0, "noise_w_scale": None})
    assert call.request.delivery.speed == 2 and call.not_applied == ("speaker_id", "noise_scale")
    assert parsed({"text": "a", "length_scale": 0.5, "speed": 3}).request.delivery.speed == 3


@pytest.mark.parametrize(
    ("body", "query", "error", "param"),
    [
        (b"", {}, EmptyText, "text"),
        (b" \n", {}, EmptyText, "text"),
        (b"\xff\xfe", {}, InvalidRequest, "text"),
        (b"x" * 51, {}, TextTooLong, "text"),
        ({"text": 5}, {}, InvalidRequest, "text"),
        ({"text": "a", "length_scale": 0}, {}, InvalidRequest, "length_scale"),
        ({"text": "a", "voice": "nobody"}, {}, VoiceNotFound, "voice"),
        ({"text": "a", "voice": "fr_FR-siwis-low"}, {}, VoiceNotFound, "voice"),
        ({"text": "a", "language": "fr"}, {}, VoiceNotFound, "language"),
        ({"text": "a", "sample_rate": 7}, {}, UnsupportedFormat, "sample_rate"),
        (b"a", {"speed": "fast"}, InvalidRequest, "speed"),
        (b"a", {"speed": "nan"}, InvalidRequest, "speed"),
        (b"a", {"speed": "9"}, InvalidRequest, "speed"),
    ],
)
def test_what_is_wrong_is_named(body: Any, query: dict[str, str], error: type[SyrinxError], param: str) -> None:
    with pytest.raises(error) as caught:
        parsed(body, **query)
    assert type(caught.value) is error and caught.value.param == param


def test_the_list_has_the_fields_of_pipers_voice_files() -> None:
    assert json.loads(voices_body(VOICES))["ryan"] == {
        "audio": {"sample_rate": 22_050},
        "dataset": "Ryan",
        "language": {"code": "en_US", "family": "en", "region": "US"},
        "num_speakers": 1,
        "speaker_id_map": {},
    }
    assert list(json.loads(voices_body(VOICES))) == ["kavya", "ryan", "ryan@de"]


NAMES = ("text", "voice", "language", "speed", "length_scale", "sample_rate", "speaker_id", "model", "volume")


@given(st.binary(max_size=100) | objects(*NAMES).map(str.encode), st.dictionaries(st.sampled_from(NAMES), st.text()))
def test_anything_gives_a_request_or_our_errors(body: bytes, query: dict[str, str]) -> None:
    try:
        call = parsed(body, **query)
    except SyrinxError:
        return
    assert call.text.strip()
