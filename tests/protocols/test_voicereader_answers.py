"""What the sidecar says, as bytes; and every error in its words. Pure."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from syrinx.core import errors
from syrinx.core.types import Span
from syrinx.protocols.voicereader import answers as said
from syrinx.protocols.voicereader.errors import (
    FieldError,
    InvalidFields,
    error_body,
    forbidden,
    job_in_progress,
    job_not_found,
    retry_after,
    status_and_code,
)


def read(body: bytes) -> dict[str, Any]:
    return json.loads(body)


def test_audio_chunk() -> None:
    told = read(said.audio_chunk("j", said.AudioPiece(3, b"\x01\x00\x02\x00", 24000, 1, Span(5, 9))))
    assert base64.b64decode(told["audio"].pop("data_base64")) == b"\x01\x00\x02\x00"
    assert told == {
        "type": "AUDIO_CHUNK",
        "job_id": "j",
        "seq": 3,
        "audio": {"format": "pcm_s16le", "sample_rate": 24000, "channels": 1},
        "text_range": {"chunk_index": 1, "start_char": 5, "end_char": 9},
    }


def test_other_events() -> None:
    assert read(said.job_started("j")) == {"type": "JOB_STARTED", "job_id": "j"}
    assert read(said.job_done("j")) == {"type": "JOB_DONE", "job_id": "j"}
    assert read(said.job_canceled("j")) == {"type": "JOB_CANCELED", "job_id": "j"}
    told = read(said.job_error("j", errors.WorkerLost("It died.")))
    assert told == {
        "type": "JOB_ERROR",
        "job_id": "j",
        "error": {"code": "INFERENCE_FAILED", "message": "It died.", "details": {}},
    }
    assert read(said.job_error("j", errors.EmptyText("Nothing.")))["error"]["code"] == "EMPTY_TEXT"


def test_voices() -> None:
    (voice,) = read(said.voices_body([said.built_in_voice("m")]))["voices"]
    assert voice == {
        "voice_id": "0",
        "name": "Default Built-in Voice",
        "display_name": "Default Built-in Voice",
        "created_at": "1970-01-01T00:00:00Z",
        "tts_model_id": "m",
        "language_hint": "auto",
        "description": None,
    }


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (errors.EmptyText("x"), 400, "EMPTY_TEXT"),
        (errors.TextTooLong(1, 2), 400, "INVALID_REQUEST"),
        (errors.VoiceNotFound("x"), 404, "VOICE_NOT_FOUND"),
        (errors.ModelNotFound("x"), 409, "MODEL_NOT_READY"),
        (errors.UnsupportedFormat("x"), 400, "INVALID_REQUEST"),
        (errors.InvalidRequest("x"), 400, "INVALID_REQUEST"),
        (errors.InvalidRequest("x", code="audio_noisy"), 400, "INVALID_AUDIO"),
        (errors.InvalidRequest("x", code="cannot_clone"), 409, "MODEL_NOT_READY"),
        (errors.InvalidRequest("x", code="clone_failed"), 400, "VOICE_CLONE_FAILED"),
        (errors.InvalidRequest("x", code="body_too_large"), 413, "INVALID_REQUEST"),
        (errors.Unauthorized("x"), 401, "UNAUTHORIZED"),
        (errors.Overloaded("x", 2.5), 429, "OVERLOADED"),
        (errors.ModelNotReady("x"), 409, "MODEL_NOT_READY"),
        (errors.ConfigError("x"), 409, "MODEL_NOT_READY"),
        (errors.RunawayStopped("x"), 502, "INFERENCE_FAILED"),
        (errors.SyrinxError("x"), 503, "SERVER_ERROR"),
        (forbidden("x"), 403, "FORBIDDEN"),
        (job_not_found("x"), 404, "JOB_NOT_FOUND"),
        (job_in_progress(), 409, "JOB_IN_PROGRESS"),
    ],
)
def test_errors(error: errors.SyrinxError, status: int, code: str) -> None:
    assert status_and_code(error) == (status, code)
    told = read(error_body(error))["error"]
    assert told["code"] == code and told["message"] == error.message and isinstance(told["details"], dict)


@pytest.mark.parametrize(
    ("ours", "theirs"), [("input", "text"), ("name", "display_name"), ("reference_text", "ref_text"), ("text", "text")]
)
def test_a_field_is_called_as_the_client_called_it(ours: str, theirs: str) -> None:
    told = read(error_body(errors.InvalidRequest("x", param=ours)))["error"]["details"]["errors"]
    assert [item["loc"] for item in told] == [["body", theirs]]
    empty = read(said.job_error("j", errors.EmptyText("Nothing.", param=ours)))["error"]["details"]["errors"]
    assert [item["loc"] for item in empty] == [["body", theirs]]


def test_wrong_fields_are_listed_and_bounded() -> None:
    wrong = InvalidFields([FieldError("t", ("body", "\ud800" * 500), "m" * 9000, "\udfff" * 9000)] * 100)
    body = error_body(wrong)
    told = read(body)["error"]["details"]["errors"]
    assert len(told) == 20 and len(body) < 50_000
    assert set(told[0]) == {"type", "loc", "msg", "input"}


def test_how_long_to_wait() -> None:
    assert retry_after(errors.Overloaded("x", 2.5)) == 3
    assert retry_after(errors.ModelNotReady("x")) is None
