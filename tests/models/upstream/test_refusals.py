from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.core.errors import (
    EmptyText,
    InvalidRequest,
    ModelFailed,
    Overloaded,
    SyrinxError,
    VoiceNotFound,
)
from syrinx.models.upstream.refusals import MAX_RETRY_S, refusal, retry_after_s, told


def envelope(message: str = "Because.", **fields: str) -> bytes:
    return json.dumps({"error": {"message": message, **fields}}).encode()


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_the_operators_and_the_answer_is_not_repeated(status: int) -> None:
    error = refusal(status, {}, envelope("Incorrect API key provided: sk-abc***"))
    assert type(error) is ModelFailed and "key_file" in error.message and "sk-abc" not in error.message


def test_too_many_requests_is_overload_with_the_wait_that_was_asked_for() -> None:
    error = refusal(429, {"retry-after": "7"}, envelope("Slow down."))
    assert isinstance(error, Overloaded) and error.retry_after_s == 7 and "Slow down." in error.message


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("", 1.0),
        ("soon", 1.0),
        ("-3", 0.1),
        ("1e9", MAX_RETRY_S),
        ("nan", 1.0),
        ("Thu, 01 Jan 1970 00:01:00 GMT", 50.0),
    ],
)
def test_the_wait_is_a_number_or_a_date_within_bounds(value: str, seconds: float) -> None:
    assert retry_after_s({"retry-after": value} if value else {}, now=10.0) == seconds


@pytest.mark.parametrize(
    ("status", "body", "kind", "param"),
    [
        (400, envelope(param="voice"), VoiceNotFound, "voice"),
        (404, envelope(code="voice_not_found"), VoiceNotFound, "voice"),
        (400, envelope(param="input"), InvalidRequest, "text"),
        (400, envelope(code="bad_directive", param="text"), InvalidRequest, "text"),
        (400, envelope(code="empty_text", param="input"), EmptyText, "text"),
        (422, b'{"detail": [{"loc": ["body", "speed"], "msg": "too fast"}]}', InvalidRequest, "speed"),
        (400, envelope(param="response_format"), ModelFailed, None),
        (404, b'{"detail": "Not Found"}', ModelFailed, None),
        (500, b"Internal Server Error", ModelFailed, None),
        (503, envelope(), ModelFailed, None),
        (307, b"", ModelFailed, None),
    ],
)
def test_other_refusals_are_whose_fault_they_are(
    status: int, body: bytes, kind: type[SyrinxError], param: str | None
) -> None:
    error = refusal(status, {}, body)
    assert type(error) is kind and error.param == param


def test_its_own_words_are_passed_on_in_one_bounded_line() -> None:
    error = refusal(500, {}, envelope("CUDA\nout of\x07 memory " + "x" * 5000))
    assert "CUDA out of memory" in error.message and len(error.message) < 400


@given(st.integers(300, 599), st.binary(max_size=300), st.dictionaries(st.just("retry-after"), st.text(max_size=30)))
def test_any_answer_is_some_error_of_ours(status: int, body: bytes, headers: dict[str, str]) -> None:
    assert refusal(status, headers, body, now=0.0).message


def test_deep_nesting_is_no_message() -> None:
    assert told(b"[" * 100_000)
