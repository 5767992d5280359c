"""Refusals of a server become the errors they stand for."""

from __future__ import annotations

from typing import Any

import pytest

from syrinx.client.refusals import error_of, error_of_response
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
    WorkerLost,
)
from syrinx.protocols.openai.errors import error_body, http_error
from syrinx.protocols.realtime.messages import error_reply

ERRORS = [
    EmptyText("Nothing."),
    VoiceNotFound("No such voice.", param="voice"),
    ModelNotFound("No such model.", param="model"),
    UnsupportedFormat("No such format.", param="response_format"),
    InvalidRequest("Not JSON.", code="bad_json"),
    Unauthorized("No key."),
    Overloaded("Busy.", 2.0),
    ModelNotReady("Loading."),
    ModelFailed("Broken."),
    WorkerLost("Lost."),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.code)
def test_an_error_comes_back_over_http_as_itself(error: SyrinxError) -> None:
    import json

    answer = http_error(error)
    headers = {} if answer.retry_after_s is None else {"retry-after": str(answer.retry_after_s)}
    back = error_of_response(answer.status, headers, json.loads(error_body(error)))
    assert (type(back), back.code, str(back)) == (type(error), error.code, str(error))


@pytest.mark.parametrize("error", [e for e in ERRORS if e.code not in ("unauthorized", "worker_lost")])
def test_an_error_comes_back_over_the_socket_as_itself(error: SyrinxError) -> None:
    import json

    fields = json.loads(error_reply(error).message)
    back = error_of(fields["code"], fields["message"], fields)
    assert (type(back), back.code, str(back)) == (type(error), error.code, str(error))


def test_the_wait_of_a_busy_server_is_kept() -> None:
    over_http = error_of_response(429, {"retry-after": "7"}, {"error": {"message": "Busy.", "code": "x"}})
    over_socket = error_of("busy", "Busy.", {"retry_after_s": 2.5})
    assert isinstance(over_http, Overloaded) and over_http.retry_after_s == 7.0
    assert isinstance(over_socket, Overloaded) and over_socket.retry_after_s == 2.5


@pytest.mark.parametrize("said", ["Fri, 20 Nov 2026 00:00:00 GMT", "", None])
def test_a_wait_that_is_no_number_becomes_a_second(said: Any) -> None:
    error = error_of("busy", "", {"retry_after_s": said})
    assert isinstance(error, Overloaded) and error.retry_after_s == 1.0


def test_a_text_over_the_limit_keeps_both_figures() -> None:
    error = error_of("too_long", "...", {"max_words": 150, "got_words": 151})
    assert isinstance(error, TextTooLong)
    assert (error.limit, error.got, error.unit) == (150, 151, "words")


def test_an_unknown_code_can_still_be_told_apart() -> None:
    error = error_of("brand_new", "Something else.", {})
    assert isinstance(error, InvalidRequest) and error.code == "brand_new"


@pytest.mark.parametrize("body", [None, [], "no", {"error": "no"}, {"detail": "no"}])
@pytest.mark.parametrize(("status", "kind"), [(400, InvalidRequest), (500, ModelFailed), (401, Unauthorized)])
def test_an_answer_without_an_envelope_still_says_its_status(body: Any, status: int, kind: type) -> None:
    error = error_of_response(status, {}, body)
    assert type(error) is kind
    assert str(status) in str(error)
