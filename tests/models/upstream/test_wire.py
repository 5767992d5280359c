from __future__ import annotations

from dataclasses import replace

import pytest

from syrinx.core.errors import ConfigError, InvalidRequest, ModelFailed
from syrinx.core.types import Delivery, SynthesisJob
from syrinx.models.options import parse_options
from syrinx.models.upstream.options import UpstreamOptions
from syrinx.models.upstream.wire import Address, check_media_type, check_options, options_schema, speech_body

JOB = SynthesisJob("j", "Hello.", "ann", "en-GB", Delivery(speed=1.5), seed=7)
PLAIN = UpstreamOptions()


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("http://127.0.0.1:8091", "http://127.0.0.1:8091/v1"),
        ("http://127.0.0.1:8091/", "http://127.0.0.1:8091/v1"),
        ("https://host/v1/", "https://host/v1"),
        ("https://host/openai/v1", "https://host/openai/v1"),
    ],
)
def test_a_servers_own_address_stands_for_its_api(given: str, base: str) -> None:
    assert Address.of(given).path("audio/speech") == f"{base}/audio/speech"


def test_stream_format_is_always_said_and_nothing_that_was_not_asked_for() -> None:
    assert speech_body(PLAIN, "talker", JOB) == {
        "model": "talker",
        "input": "Hello.",
        "voice": "ann",
        "response_format": "pcm",
        "stream_format": "audio",
    }


def test_speed_seed_language_and_rate_are_sent_where_the_options_say_so() -> None:
    options = replace(PLAIN, native_speed=True, request_fields=("seed", "language", "task_type"), sample_rate=16_000)
    body = speech_body(options, "", replace(JOB, options={"task_type": "Base"}))
    assert (body["speed"], body["seed"], body["language"], body["sample_rate"]) == (1.5, 7, "en-GB", 16_000)
    assert body["task_type"] == "Base" and "model" not in body
    assert list(options_schema(options)["properties"]) == ["task_type"]


def test_text_that_is_no_unicode_is_sent_as_something_that_is() -> None:
    assert speech_body(PLAIN, "", replace(JOB, text="\ud800 lone"))["input"] == "? lone"


@pytest.mark.parametrize("value", [["a"], {"b": 1}, None, 5, "x" * 5000])
def test_what_is_no_plain_value_is_refused_by_name(value: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_options({"instructions": value})
    assert caught.value.param == "instructions"


@pytest.mark.parametrize("kind", ["", "audio/pcm", "audio/pcm; rate=24000", "audio/L16;rate=24000;channels=1"])
def test_pcm_by_any_of_its_names_is_taken(kind: str) -> None:
    check_media_type(kind, PLAIN)


@pytest.mark.parametrize(
    ("kind", "stream_format", "told"),
    [
        ("audio/mpeg", "audio", "audio/mpeg, not with PCM"),
        ("application/json", "audio", "not with PCM"),
        ("audio/pcm; rate=16000", "audio", "set sample_rate = 16000"),
        ("text/event-stream", "audio", "set stream_format = 'sse'"),
        ("audio/pcm", "sse", "set stream_format = 'audio'"),
    ],
)
def test_an_answer_of_another_kind_is_refused_with_the_remedy(kind: str, stream_format: str, told: str) -> None:
    with pytest.raises(ModelFailed, match=told):
        check_media_type(kind, parse_options("upstream", UpstreamOptions, {"stream_format": stream_format}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base_url", "http://me:secret@host/v1"),
        ("base_url", "ftp://host"),
        ("base_url", "host:8091"),
        ("request_fields", ["input"]),
        ("request_fields", ["stream_format"]),
        ("languages", []),
        ("timeout_s", 0),
        ("concurrency", 0),
        ("stream_format", "wav"),
    ],
)
def test_options_that_cannot_be_meant_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_options("upstream", UpstreamOptions, {name: value})
    assert caught.value.param == name
