"""What the sidecar's socket tells, read from its documented messages."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syrinx.client.sidecar_events import (
    JobAudio,
    JobCanceled,
    JobDone,
    JobFailed,
    JobStarted,
    parse_job_event,
)
from syrinx.client.sidecar_refusals import error_of_answer
from syrinx.core.errors import (
    EmptyText,
    InvalidRequest,
    ModelFailed,
    ModelNotReady,
    Overloaded,
    SyrinxError,
    Unauthorized,
    VoiceNotFound,
)

CHUNK: dict[str, Any] = {
    "type": "AUDIO_CHUNK",
    "job_id": "j",
    "seq": 1,
    "audio": {
        "format": "pcm_s16le",
        "sample_rate": 24_000,
        "channels": 1,
        "data_base64": base64.b64encode(b"\1\0\2\0").decode(),
    },
    "text_range": {"chunk_index": 0, "start_char": 2, "end_char": 9},
}


def test_each_event_has_its_type() -> None:
    assert parse_job_event('{"type":"JOB_STARTED","job_id":"j"}') == JobStarted("j")
    assert parse_job_event('{"type":"JOB_DONE","job_id":"j"}') == JobDone("j")
    assert parse_job_event('{"type":"JOB_CANCELED","job_id":"j"}') == JobCanceled("j")
    told = '{"type":"JOB_CANCELED","job_id":"j","heard":"A","remaining":" b"}'
    assert parse_job_event(told) == JobCanceled("j", "A", " b")
    audio = parse_job_event(json.dumps(CHUNK))
    assert audio == JobAudio("j", 1, b"\1\0\2\0", 24_000, 0, 2, 9)
    assert isinstance(audio, JobAudio) and audio.duration_s == 2 / 24_000


def test_a_failed_job_tells_why() -> None:
    error = {"code": "INFERENCE_FAILED", "message": "It broke.", "details": {}}
    event = parse_job_event(json.dumps({"type": "JOB_ERROR", "job_id": "j", "error": error}))
    assert isinstance(event, JobFailed)
    assert isinstance(event.error, ModelFailed) and str(event.error) == "It broke."


@pytest.mark.parametrize(
    "change",
    [
        {"audio": None},
        {"text_range": {}},
        {"seq": "x"},
        {"audio": {**CHUNK["audio"], "data_base64": "a"}},
        {"audio": {**CHUNK["audio"], "data_base64": base64.b64encode(b"\1").decode()}},
        {"audio": {**CHUNK["audio"], "sample_rate": 0}},
        {"audio": {**CHUNK["audio"], "channels": 2}},
        {"audio": {**CHUNK["audio"], "format": "mp3"}},
        {"type": "zork"},
        {"type": []},
    ],
)
def test_what_is_no_event_is_told_as_such(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="no event"):
        parse_job_event(json.dumps({**CHUNK, **change}))


@given(st.one_of(st.text(), st.binary(), st.recursive(st.none(), st.lists).map(json.dumps)))
def test_any_message_is_an_event_or_one_clear_error(message: str | bytes) -> None:
    with pytest.raises(InvalidRequest):
        parse_job_event(message)


def envelope(code: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": "Said so.", "details": {}}}


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "UNAUTHORIZED", Unauthorized),
        (400, "EMPTY_TEXT", EmptyText),
        (404, "VOICE_NOT_FOUND", VoiceNotFound),
        (409, "MODEL_NOT_READY", ModelNotReady),
        (503, "MODEL_NOT_READY", ModelNotReady),
        (429, "OVERLOADED", Overloaded),
        (502, "INFERENCE_FAILED", ModelFailed),
    ],
)
def test_a_refusal_is_the_error_that_it_stands_for(status: int, code: str, kind: type[SyrinxError]) -> None:
    error = error_of_answer(status, "2", envelope(code), "/v1/speak")
    assert type(error) is kind and str(error) == "Said so."
    assert not isinstance(error, Overloaded) or error.retry_after_s == 2.0


@pytest.mark.parametrize("code", ["JOB_NOT_FOUND", "JOB_IN_PROGRESS", "FORBIDDEN", "INVALID_AUDIO"])
def test_a_code_of_this_dialect_alone_is_kept(code: str) -> None:
    error = error_of_answer(403, None, envelope(code), "/v1/cancel")
    assert type(error) is InvalidRequest and error.code == code.lower()


@pytest.mark.parametrize(
    ("status", "answer", "kind", "said"),
    [
        (404, {"detail": "Not Found"}, ModelNotReady, "does not speak this dialect"),
        (405, None, ModelNotReady, "does not speak this dialect"),
        (500, None, ModelFailed, "500"),
        (500, {"error": "zork"}, ModelFailed, "500"),
        (503, None, Overloaded, "503"),
    ],
)
def test_an_answer_without_an_envelope_is_told_by_its_status(
    status: int, answer: Any, kind: type[SyrinxError], said: str
) -> None:
    error = error_of_answer(status, "soon", answer, "/v1/speak")
    assert type(error) is kind and said in str(error)
