"""Deepgram over HTTP as plain values: parameters, formats, bodies, errors, and which voice a ``model`` means."""

from __future__ import annotations

import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.audio.encode import create_encoder, output_rate
from syrinx.core.errors import (
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
from syrinx.core.types import AudioFormat, ServiceClass
from syrinx.models.base import ModelInfo, VoiceInfo
from syrinx.protocols.deepgram.errors import close_code, error_body, error_message, http_status, warning_message
from syrinx.protocols.deepgram.messages import as_uuid
from syrinx.protocols.deepgram.speech import Call, DeepgramPolicy, parse_speech
from syrinx.protocols.deepgram.voices import choose
from syrinx.voices.aliases import VoiceDefaults, voice_for
from tests.protocols.common import Found, objects

VOICES = (
    VoiceInfo("ann", "Ann", ("en-US",), "female"),
    VoiceInfo("bea", "Bea", ("en-US",), "female"),
    VoiceInfo("cal", "Cal", ("en-US",), "male"),
    VoiceInfo("dan", "Dan", ("en-GB",), "male"),
    VoiceInfo("eva", "Eva", ("es",), "female"),
    VoiceInfo("fer", "Fer", ("es",), "male"),
    VoiceInfo("gil", "Gil", ("es-419",), "male"),
)
MODELS = {
    "first": ModelInfo("first", "First", 24_000, VOICES, "ann", "MIT"),
    "second": ModelInfo("second", "Second", 24_000, (VoiceInfo("hal", "Hal", ("de", "it"), "male"),), "hal", "MIT"),
}


def resolve(model: str | None, voice: str | None) -> Found:
    """Two models, the first being the default; a voice alone may name the model that has it."""
    if model in (None, "", "default") or model.startswith("tts-1"):
        chosen = next((info for info in MODELS.values() if voice and info.voice(voice)), MODELS["first"])
    elif model in MODELS:
        chosen = MODELS[model]
    else:
        raise ModelNotFound("no such model", param="model")
    found = voice_for(voice, chosen, VoiceDefaults())
    if found is None:
        raise VoiceNotFound("no such voice", param="voice")
    return Found(chosen, found)


POLICY = DeepgramPolicy(max_chars=50, default_speed=1.5, http_class=ServiceClass.BULK)


def parse(query: dict[str, str] | None = None, body: bytes = b'{"text":"Hello."}', kind: str = "") -> Call:
    return parse_speech(body, kind or "application/json", query or {}, POLICY, resolve)


# --- formats ---------------------------------------------------------------------------------------------------------

VENDORS_FORMATS = {
    **{("linear16", "wav", rate): AudioFormat("wav", rate) for rate in (8000, 16_000, 24_000, 32_000, 48_000)},
    **{("linear16", "none", rate): AudioFormat("pcm_s16le", rate) for rate in (8000, 16_000, 24_000, 32_000, 48_000)},
    **{
        (name, wrapped, rate): AudioFormat(f"wav_{name}" if wrapped == "wav" else name, rate)
        for name in ("mulaw", "alaw")
        for wrapped in ("wav", "none")
        for rate in (8000, 16_000)
    },
    **{("flac", "none", rate): AudioFormat("flac", rate) for rate in (8000, 16_000, 22_050, 32_000, 48_000)},
    **{("mp3", "none", 22_050): AudioFormat("mp3", 22_050, 48_000)},
    **{("opus", "ogg", 48_000): AudioFormat("opus", 48_000, 12_000)},
    **{("aac", "none", 22_050): AudioFormat("aac", 22_050, 48_000)},
}
"""Every combination of the vendor's guide to media output settings."""


@pytest.mark.parametrize(("asked", "audio"), VENDORS_FORMATS.items())
def test_every_combination_of_the_vendor_can_be_had(asked: tuple[str, str, int], audio: AudioFormat) -> None:
    encoding, wrapped, rate = asked
    call = parse({"encoding": encoding, "container": wrapped, "sample_rate": str(rate)})
    assert call.speech.request.audio == audio and call.speech.not_applied == ()
    create_encoder(audio, output_rate(audio, 24_000)).close()


@pytest.mark.parametrize(
    ("query", "audio"),
    [
        ({}, AudioFormat("mp3", 22_050, 48_000)),
        ({"encoding": "linear16"}, AudioFormat("wav", 24_000)),
        ({"encoding": "MULAW"}, AudioFormat("wav_mulaw", 8000)),
        ({"encoding": "alaw", "container": "none"}, AudioFormat("alaw", 8000)),
        ({"encoding": "opus"}, AudioFormat("opus", 48_000, 12_000)),
        ({"encoding": "aac", "bit_rate": "32000"}, AudioFormat("aac", 22_050, 32_000)),
        ({"encoding": "flac"}, AudioFormat("flac", 24_000)),
        ({"encoding": "mp3", "bit_rate": "32000.0", "sample_rate": "24000.0"}, AudioFormat("mp3", 24_000, 32_000)),
    ],
)
def test_defaults_are_the_vendors(query: dict[str, str], audio: AudioFormat) -> None:
    assert parse(query).speech.request.audio == audio


@pytest.mark.parametrize(("asked", "kept"), [("4000", 6000), ("650000", 256_000)])
def test_a_bit_rate_that_the_vendor_has_and_we_have_not_is_the_nearest_and_told(asked: str, kept: int) -> None:
    call = parse({"encoding": "opus", "bit_rate": asked})
    assert call.speech.request.audio.bitrate == kept and call.speech.not_applied == ("bit_rate",)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"encoding": "vorbis"}, "encoding"),
        ({"encoding": "opus", "container": "none"}, "container"),
        ({"encoding": "mp3", "container": "wav"}, "container"),
        ({"encoding": "linear16", "container": "ogg"}, "container"),
        ({"encoding": "opus", "sample_rate": "44100"}, "sample_rate"),
        ({"encoding": "linear16", "sample_rate": "7999"}, "sample_rate"),
        ({"encoding": "linear16", "sample_rate": "1e4"}, "sample_rate"),
        ({"encoding": "linear16", "bit_rate": "48000"}, "bit_rate"),
        ({"encoding": "mp3", "bit_rate": "1"}, "bit_rate"),
        ({"encoding": "mp3", "bit_rate": "999999999999"}, "bit_rate"),
        ({"speed": "9"}, "speed"),
        ({"speed": "nan"}, "speed"),
        ({"speed": "fast"}, "speed"),
        ({"model": "nobody"}, "model"),
        ({"model": "first/nobody"}, "model"),
        ({"model": "nobody/ann"}, "model"),
        ({"model": "aura-3-thalia-en"}, "model"),
        ({"callback": "http://127.0.0.1/"}, "callback"),
    ],
)
def test_what_cannot_be_done_is_refused_by_its_parameter(query: dict[str, str], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(query)
    assert caught.value.param == param


# --- bodies ----------------------------------------------------------------------------------------------------------


def test_a_request_is_what_its_address_and_its_body_say() -> None:
    call = parse({"model": "cal", "speed": "0.9", "tag": "x", "mip_opt_out": "true"}, b'{"text":"Hi.","x":1}')
    request = call.speech.request
    assert (call.speech.text, request.voice, request.model, request.language) == ("Hi.", "cal", None, None)
    assert request.delivery.speed == 0.9 and request.service_class is ServiceClass.BULK
    assert call.model_name == "first/cal" and call.speech.not_applied == ()
    assert parse().speech.request.delivery.speed == 1.5


def test_plain_text_is_the_text() -> None:
    assert parse({}, '{"text": "Häh?"}'.encode(), "text/plain; charset=utf-8").speech.text == '{"text": "Häh?"}'
    with pytest.raises(InvalidRequest) as caught:
        parse({}, b"\xff", "text/plain")
    assert caught.value.code == "bad_text"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", InvalidRequest),
        (b"{}", InvalidRequest),
        (b'{"text":1}', InvalidRequest),
        (b'{"text":" "}', EmptyText),
        (b'{"text":"' + b"x" * 51 + b'"}', TextTooLong),
    ],
)
def test_bodies_without_text_to_speak_are_refused(body: bytes, error: type[SyrinxError]) -> None:
    with pytest.raises(error):
        parse({}, body)


# --- voices ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "model", "voice", "language", "speaker"),
    [
        (None, None, None, None, "first/ann"),
        ("", None, None, None, "first/ann"),
        ("default", "default", None, None, "first/ann"),
        ("bea", None, "bea", None, "first/bea"),
        ("hal", None, "hal", None, "second/hal"),
        ("second", "second", None, None, "second/hal"),
        ("second/hal", "second", "hal", None, "second/hal"),
        ("male", None, "male", None, "first/cal"),
        ("aura-asteria-en", None, None, None, "first/ann"),
        ("aura-2-thalia-en", None, None, None, "first/ann"),
        ("aura-2-thalia-es", "first", "eva", None, "first/eva"),
        ("aura-2-nestor-es", "first", "fer", None, "first/fer"),
    ],
)
def test_what_a_model_means(
    name: str | None, model: str | None, voice: str | None, language: str | None, speaker: str
) -> None:
    chosen = choose(name, resolve)
    assert (chosen.model, chosen.voice, chosen.language, chosen.name) == (model, voice, language, speaker)
    assert choose(chosen.name, resolve).found == chosen.found, "what the client is told can be asked for"


@pytest.mark.parametrize(
    ("name", "gender"),
    [("helena", "female"), ("andromeda", "female"), ("luna", "female"), ("zeus", "male"), ("orion", "male")],
)
def test_the_vendors_voices_have_one_of_their_gender_and_always_the_same(name: str, gender: str) -> None:
    chosen = choose(f"aura-2-{name}-en", resolve)
    spoken = chosen.found.info.voice(chosen.found.voice)
    assert spoken is not None and spoken.gender == gender and spoken.languages == ("en-US",)
    assert chosen == choose(f"aura-2-{name}-en", resolve)


def test_a_language_that_nobody_speaks_is_the_default_voices_and_told() -> None:
    call = parse({"model": "aura-2-izanami-ja"})
    assert (call.speech.request.voice, call.speech.not_applied, call.model_name) == (None, ("model",), "first/ann")


def test_a_voice_of_many_languages_speaks_the_one_that_the_name_ends_in() -> None:
    def only(model: str | None, voice: str | None) -> Found:
        if voice is not None and voice_for(voice, MODELS["second"], VoiceDefaults()) is None:
            raise VoiceNotFound("no such voice")
        if model not in (None, "second"):
            raise ModelNotFound("no such model")
        return Found(MODELS["second"], "hal")

    assert choose("aura-2-elio-it", only).language == "it"
    assert choose("aura-2-thalia-it", only).language == "it"
    assert choose("aura-2-fabian-de", only).language is None


def test_a_voice_of_ours_that_has_the_vendors_name_goes_first() -> None:
    def cloned(model: str | None, voice: str | None) -> Found:
        return Found(MODELS["second"], "hal") if voice == "aura-2-thalia-en" else resolve(model, voice)

    assert choose("aura-2-thalia-en", cloned).voice == "aura-2-thalia-en"


def test_a_model_that_loads_says_so() -> None:
    def loading(model: str | None, voice: str | None) -> Found:
        raise ModelNotReady("The model is loading.")

    with pytest.raises(ModelNotReady):
        parse_speech(b'{"text":"Hi."}', "", {"model": "aura-2-thalia-en"}, POLICY, loading)


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "name", "status", "on_socket", "close"),
    [
        (InvalidRequest("Not JSON.", code="bad_json"), "PAYLOAD_ERROR", 400, "DATA-0000", 1008),
        (InvalidRequest("No text.", param="text"), "PAYLOAD_ERROR", 400, "DATA-0000", 1008),
        (InvalidRequest("Bytes.", code="unexpected_binary"), "PAYLOAD_ERROR", 400, "MESSAGE-0000", 1003),
        (UnsupportedFormat("No such one.", param="encoding"), "INVALID_QUERY_PARAMETER", 400, "", 1008),
        (InvalidRequest("Too fast.", param="speed"), "INVALID_QUERY_PARAMETER", 400, "", 1008),
        (VoiceNotFound("Nobody.", param="model"), "Bad Request", 400, "", 1008),
        (ModelNotFound("None.", param="model"), "Bad Request", 400, "", 1008),
        (EmptyText("Nothing."), "Bad Request", 400, "NO_SYNTHESIZABLE_TEXT", 1008),
        (TextTooLong(10, 20), "Payload Too Large", 413, "BIG-0001", 1009),
        (InvalidRequest("Too long.", code="body_too_large"), "PAYLOAD_TOO_LARGE", 413, "", 1009),
        (InvalidRequest("Too slow.", code="body_timeout"), "PAYLOAD_ERROR", 408, "", 1008),
        (Unauthorized("The key is wrong."), "INVALID_AUTH", 401, "", 1008),
        (Overloaded("Later.", 1.0), "Too Many Requests", 429, "", 1013),
        (ModelNotReady("Loading."), "Service Unavailable", 503, "", 1013),
        (ModelFailed("It broke."), "INTERNAL_SERVER_ERROR", 502, "NET-0000", 1011),
        (SyrinxError("What?"), "Service Unavailable", 503, "NET-0000", 1011),
    ],
)
def test_errors_have_the_vendors_names(error: SyrinxError, name: str, status: int, on_socket: str, close: int) -> None:
    assert (http_status(error), close_code(error)) == (status, close)
    assert json.loads(error_body(error, "r")) == {"err_code": name, "err_msg": error.message, "request_id": "r"}
    told = json.loads(error_message(error, "r"))
    assert told["type"] == "Error" and told["code"] == told["err_code"] == (on_socket or name)
    assert told["description"] == told["err_msg"] == error.message and told["request_id"] == "r"


def test_a_warning_has_the_names_of_the_documentation_and_those_that_are_sent() -> None:
    assert json.loads(warning_message("X", "Y \ud800")) == {
        **{"type": "Warning", "code": "X", "description": "Y ?"},
        **{"warn_code": "X", "warn_msg": "Y ?"},
    }


def test_ids_are_uuids_and_a_uuid_stays_itself() -> None:
    mine = str(uuid.uuid4())
    assert as_uuid(mine) == mine and as_uuid("req_1") == as_uuid("req_1") != as_uuid("req_2")
    assert uuid.UUID(as_uuid("\ud800"))


# --- total -----------------------------------------------------------------------------------------------------------

QUERIES = st.dictionaries(
    st.sampled_from(["model", "encoding", "container", "sample_rate", "bit_rate", "speed", "callback"]),
    st.text(max_size=20) | st.sampled_from(["linear16", "mulaw", "opus", "none", "wav", "8000", "1.0", "aura-x-en"]),
)


@given(st.binary(max_size=200) | objects("text").map(str.encode), QUERIES, st.sampled_from(["", "text/plain", "x;/"]))
def test_any_request_is_speech_or_an_error(body: bytes, query: dict[str, str], kind: str) -> None:
    try:
        call = parse_speech(body, kind, query, POLICY, resolve)
    except SyrinxError as error:
        json.loads(error_body(error, "r"))
    else:
        assert call.speech.text.strip() and call.model_name
        create_encoder(call.speech.request.audio, output_rate(call.speech.request.audio, 24_000)).close()
