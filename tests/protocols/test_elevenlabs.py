"""ElevenLabs over HTTP as plain values: bodies, formats, lists, errors, and the JSON that carries times."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.audio.encode import create_encoder
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
from syrinx.core.types import AudioFormat, EncodedAudio, Mark, MarkKind, Marks, ServiceClass, Span
from syrinx.models.base import ModelInfo, VoiceInfo
from syrinx.protocols.base import Handshake
from syrinx.protocols.elevenlabs.errors import close_code, error_body, error_message, http_status
from syrinx.protocols.elevenlabs.lists import ListedAs, models_body, search_body, user_body, voices_body
from syrinx.protocols.elevenlabs.messages import TimedChunks, TimedWhole
from syrinx.protocols.elevenlabs.speech import ElevenLabsPolicy, output_format, parse_speech
from syrinx.protocols.one_shot import OneShot
from tests.protocols.common import OneModel, objects

VENDORS_FORMATS = {
    **{f"mp3_44100_{rate}": AudioFormat("mp3", 44_100, rate * 1000) for rate in (32, 64, 96, 128, 192)},
    **{"mp3_22050_32": AudioFormat("mp3", 22_050, 32_000), "mp3_24000_48": AudioFormat("mp3", 24_000, 48_000)},
    **{f"opus_48000_{rate}": AudioFormat("opus", 48_000, rate * 1000) for rate in (32, 64, 96, 128, 192)},
    **{
        f"{name}_{rate}": AudioFormat(container, rate)
        for name, container in (("pcm", "pcm_s16le"), ("wav", "wav"))
        for rate in (8000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
    },
    **{"ulaw_8000": AudioFormat("mulaw", 8000), "alaw_8000": AudioFormat("alaw", 8000)},
}
"""Every format that the vendor's API reference and SDK name."""

resolve = OneModel(options=("style",))


def parse(query: dict[str, str] | None = None, voice: str = "kavya", **fields: Any) -> OneShot:
    policy = ElevenLabsPolicy(max_chars=50, default_speed=1.5, http_class=ServiceClass.BULK)
    return parse_speech(json.dumps(fields).encode(), Handshake({"voice": voice}, query or {}), policy, resolve)


def test_a_body_becomes_a_request() -> None:
    call = parse(
        {"output_format": "ulaw_8000", "optimize_streaming_latency": "3", "enable_logging": "false"},
        text="Hello.",
        model_id="eleven_multilingual_v2",
        language_code="en",
        seed=7,
        voice_settings={"speed": 1.2, "style": 0.3, "stability": 0.5},
        previous_text="Before.",
        next_text="",
        apply_text_normalization="off",
    )
    request = call.request
    assert (call.text, request.voice, request.model, request.language) == ("Hello.", "kavya", None, "en")
    assert (request.audio, request.delivery.speed, request.seed) == (AudioFormat("mulaw", 8000), 1.2, 7)
    assert (request.options, request.service_class) == ({"style": 0.3}, ServiceClass.BULK)
    assert call.not_applied == ("stability", "previous_text", "apply_text_normalization")


def test_without_more_it_is_the_vendors_mp3_at_the_default_speed() -> None:
    request = parse(text="Hello.").request
    assert (request.audio, request.delivery.speed) == (AudioFormat("mp3", 44_100, 128_000), 1.5)
    assert parse(text="Hello.", model_id="tone").request.model == "tone"


@pytest.mark.parametrize("name", VENDORS_FORMATS)
def test_every_format_of_the_vendor_can_be_encoded(name: str) -> None:
    audio = output_format(name)
    assert audio == VENDORS_FORMATS[name] and audio.sample_rate is not None
    create_encoder(audio, audio.sample_rate).close()


@pytest.mark.parametrize(
    "name",
    ["mp3", "mp3_44100_999", "mp3_44101", "opus_44100_64", "pcm_7999", "pcm_16000_16", "aac_44100", "PCM_16000", "🙂"],
)
def test_other_formats_are_refused_by_name(name: str) -> None:
    with pytest.raises(UnsupportedFormat) as caught:
        output_format(name)
    assert caught.value.param == "output_format"


@pytest.mark.parametrize(
    ("fields", "kind", "param"),
    [
        ({"text": " "}, EmptyText, "text"),
        ({"text": None}, InvalidRequest, "text"),
        ({"text": "x" * 51}, TextTooLong, "text"),
        ({"model_id": 5}, InvalidRequest, "model_id"),
        ({"language_code": "??"}, InvalidRequest, "language_code"),
        ({"seed": 1.5}, InvalidRequest, "seed"),
        ({"seed": -1}, InvalidRequest, "seed"),
        ({"voice_settings": []}, InvalidRequest, "voice_settings"),
        ({"voice_settings": {"speed": 0.2}}, InvalidRequest, "speed"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], kind: type[SyrinxError], param: str) -> None:
    with pytest.raises(kind) as caught:
        parse(**{"text": "Hello.", **fields})
    assert caught.value.param == param
    with pytest.raises(VoiceNotFound):
        parse(voice="nobody", text="Hello.")


@given(st.binary() | st.text().map(str.encode) | objects("text", "model_id", "voice_settings", "seed").map(str.encode))
def test_any_body_gives_a_call_or_a_refusal(body: bytes) -> None:
    try:
        call = parse_speech(body, Handshake({"voice": "kavya"}), ElevenLabsPolicy(), resolve)
    except InvalidRequest:
        return
    assert call.text.strip()


# --- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "name", "code"),
    [
        (VoiceNotFound("No."), 404, "voice_not_found", 1008),
        (ModelNotFound("No."), 400, "model_not_found", 1008),
        (UnsupportedFormat("No."), 400, "invalid_output_format", 1008),
        (TextTooLong(5, 9), 400, "max_character_limit_exceeded", 1008),
        (InvalidRequest("No.", code="bad_json"), 400, "bad_json", 1008),
        (InvalidRequest("No.", code="body_too_large"), 413, "body_too_large", 1008),
        (Unauthorized("No."), 401, "invalid_api_key", 1008),
        (Overloaded("No.", 2.0), 429, "too_many_concurrent_requests", 1013),
        (ModelNotReady("No."), 503, "model_not_ready", 1013),
        (ModelFailed("No."), 502, "model_failed", 1011),
        (SyrinxError("No."), 503, "internal_error", 1011),
    ],
)
def test_errors_in_the_vendors_words(error: SyrinxError, status: int, name: str, code: int) -> None:
    assert (http_status(error), close_code(error)) == (status, code)
    assert json.loads(error_body(error))["detail"] == {"status": name, "message": error.message}
    told = {"message": error.message, "error": name, "code": code, "contextId": "a"}
    assert json.loads(error_message(error, "a")) == told


def test_an_error_names_its_field_and_survives_any_text() -> None:
    detail = json.loads(error_body(InvalidRequest("\ud800", param="text")))["detail"]
    assert detail == {"status": "invalid_request", "message": "?", "param": "text"}


# --- times over HTTP -------------------------------------------------------------------------------------------------

MARKS = Marks(
    "1",
    (Mark(MarkKind.WORD, Span(0, 2), 0.0, 0.2), Mark(MarkKind.WORD, Span(3, 5), 0.3, 0.5)),
)


def piece(data: bytes, seconds: float) -> EncodedAudio:
    return EncodedAudio(data, round(seconds * 24_000), 24_000, "audio/mpeg")


def test_lines_of_audio_with_the_characters_that_begin_in_them() -> None:
    timed = TimedChunks("Hi yo!")
    timed.note(MARKS)
    lines = [json.loads(timed.piece(piece(data, 0.3))) for data in (b"one", b"two")] + [json.loads(timed.end())]
    assert [base64.b64decode(line["audio_base64"]) for line in lines] == [b"one", b"two", b""]
    assert (
        lines[1]["alignment"]
        == lines[1]["normalized_alignment"]
        == {
            "characters": ["y", "o"],
            "character_start_times_seconds": [0.3, 0.4],
            "character_end_times_seconds": [0.4, 0.6],
        }
    )
    assert lines[2]["alignment"]["characters"] == ["!"] and lines[2]["alignment"]["estimated"] is True
    assert TimedChunks("").end() == b""


@given(st.sampled_from(("Hi yo!", "Hi yo")), st.lists(st.binary(max_size=7), max_size=7))
def test_one_object_with_all_of_the_audio_however_it_came(text: str, pieces: list[bytes]) -> None:
    timed = TimedWhole(text)
    timed.note(MARKS)
    body = b"".join(timed.piece(piece(data, 0.2)) for data in pieces) + timed.end()
    whole = json.loads(body)
    assert base64.b64decode(whole["audio_base64"]) == b"".join(pieces)
    times = whole["alignment"]
    assert times == whole["normalized_alignment"] and "".join(times["characters"]) == text
    starts, ends = times["character_start_times_seconds"], times["character_end_times_seconds"]
    assert len(starts) == len(ends) == len(text) and starts == sorted(starts) and starts[1:] == ends[:-1]
    assert ends[-1] == pytest.approx(0.2 * len(pieces))


# --- lists -----------------------------------------------------------------------------------------------------------

EVE = ListedAs("eve", VoiceInfo("eve", "Eve", ("en-GB", "de"), "female", "Calm."), "m")
BOB = ListedAs("bob", VoiceInfo("7", "Bob", ("en",)), "m", cloned=True)


def test_voices_have_what_clients_read() -> None:
    eve, bob = json.loads(voices_body([EVE, BOB]))["voices"]
    assert (eve["voice_id"], eve["name"], eve["category"]) == ("eve", "Eve", "premade")
    assert eve["labels"] == {"language": "en-GB", "gender": "female"} and eve["description"] == "Calm."
    assert (bob["voice_id"], bob["category"], bob["is_owner"]) == ("bob", "cloned", True)


@pytest.mark.parametrize(("search", "found"), [("", ["eve", "bob"]), ("CALM", ["eve"]), ("bo", ["bob"]), ("zz", [])])
def test_a_search_is_one_page(search: str, found: list[str]) -> None:
    body = json.loads(search_body([EVE, BOB], {"search": search}))
    assert [voice["voice_id"] for voice in body["voices"]] == found
    assert (body["has_more"], body["total_count"], body["next_page_token"]) == (False, len(found), None)


def test_models_are_a_bare_list_and_the_account_has_no_limits() -> None:
    info = ModelInfo("m", "Model M", 24_000, (EVE.voice,), "eve", "MIT")
    (model,) = json.loads(models_body([info], 99))
    assert (model["model_id"], model["can_do_text_to_speech"]) == ("m", True)
    assert [language["language_id"] for language in model["languages"]] == ["en-GB", "de"]
    user = json.loads(user_body("key-1"))
    assert user["user_id"] == "key-1" and user["subscription"]["character_limit"] > 10**9
