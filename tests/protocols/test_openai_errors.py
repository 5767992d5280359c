"""Every error of the tree has a status and the envelope."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from syrinx.core import errors
from syrinx.protocols.openai.errors import error_body, http_error


def kinds(base: type[errors.SyrinxError] = errors.SyrinxError) -> Iterator[type[errors.SyrinxError]]:
    yield base
    for kind in base.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield from kinds(kind)


def make(kind: type[errors.SyrinxError]) -> errors.SyrinxError:
    if kind is errors.TextTooLong:
        return errors.TextTooLong(10, 11)
    if kind is errors.Overloaded:
        return errors.Overloaded("busy", retry_after_s=1.2)
    return kind("It went wrong.")


@pytest.mark.parametrize("kind", list(kinds()), ids=lambda kind: kind.__name__)
def test_every_error_has_a_status_that_is_not_500_and_a_full_envelope(kind: type[errors.SyrinxError]):
    found = http_error(make(kind))
    assert 400 <= found.status < 600 and found.status not in (422, 500)
    assert set(json.loads(error_body(make(kind)))["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.InvalidRequest("x", code="bad_json"), 400, "bad_json"),
        (errors.VoiceNotFound("x", param="voice"), 400, "voice_not_found"),
        (errors.ModelNotFound("x"), 404, "model_not_found"),
        (errors.Unauthorized("x"), 401, "invalid_api_key"),
        (errors.InvalidRequest("x", code="body_too_large"), 413, "body_too_large"),
        (errors.InvalidRequest("x", code="body_timeout"), 408, "body_timeout"),
        (errors.WorkerLost("x"), 502, "worker_lost"),
    ],
)
def test_statuses(error: errors.SyrinxError, status: int, code: str):
    assert (http_error(error).status, http_error(error).code) == (status, code)


def test_busy_and_not_ready_say_when_to_come_back_in_whole_seconds():
    assert http_error(make(errors.Overloaded)).retry_after_s == 2
    assert http_error(make(errors.ModelNotReady)).retry_after_s == 1


def test_a_message_without_a_utf8_form_is_still_answered():
    assert json.loads(error_body(errors.InvalidRequest("\ud800!")))["error"]["message"] == "?!"
