"""Jobs that sound alike have one key, and nothing else does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from syrinx.core.types import Delivery, SynthesisJob, VoicePrompt
from syrinx.workers.caching.key import key_of
from tests.fakes.host import INFO

JOB = SynthesisJob("utt.0", "Hello.", "ann", "en", Delivery(), {"mood": "calm", "heat": 1}, 7, "utt", 0, is_last=True)


def key(job: SynthesisJob = JOB, options: dict[str, Any] | None = None, **info: Any) -> str | None:
    return key_of(job, replace(INFO, **info), options or {})


def test_a_key_is_a_digest_and_holds_no_text() -> None:
    made = key()
    assert made is not None and len(made) == 64 and set(made) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    "same",
    [
        {"job_id": "other.5"},
        {"utterance_id": "other"},
        {"segment_index": 3},
        {"is_last": False},
        {"options": {"heat": 1, "mood": "calm"}},
        {"delivery": Delivery(speed=1)},
    ],
)
def test_what_does_not_change_the_sound_does_not_change_the_key(same: dict[str, Any]) -> None:
    assert key(replace(JOB, **same)) == key()


@pytest.mark.parametrize(
    "other",
    [
        {"text": "Hello!"},
        {"voice": "bob"},
        {"language": "de"},
        {"delivery": Delivery(speed=1.01)},
        {"delivery": Delivery(pitch=1.01)},
        {"delivery": Delivery(volume=1.01)},
        {"options": {"mood": "calm"}},
        {"options": {}},
        {"seed": 8},
        {"seed": None},
        {"prompt": VoicePrompt("digest", "/path")},
    ],
)
def test_what_changes_the_sound_changes_the_key(other: dict[str, Any]) -> None:
    assert key(replace(JOB, **other)) not in (None, key())


@pytest.mark.parametrize("info", [{"name": "x"}, {"revision": "2"}, {"sample_rate": 16_000}])
def test_another_model_or_revision_is_another_key(info: dict[str, Any]) -> None:
    assert key(**info) != key()


def test_what_the_model_was_loaded_with_counts() -> None:
    assert key(options={"weights": "large"}) != key()


def test_a_prompt_is_known_by_its_content_not_its_place() -> None:
    here, there = (key(replace(JOB, prompt=VoicePrompt("digest", path))) for path in ("/a", "/b"))
    assert here == there != key(replace(JOB, prompt=VoicePrompt("other", "/a")))


def test_a_prompt_of_unknown_content_has_no_key() -> None:
    assert key(replace(JOB, prompt=VoicePrompt("", "/a"))) is None


def test_fields_cannot_be_shifted_into_each_other() -> None:
    assert key(replace(JOB, voice="a", language="bc")) != key(replace(JOB, voice="ab", language="c"))


@pytest.mark.parametrize("options", [{"x": object()}, {"x": 2**70}, {"x": "\ud800"}])
def test_what_has_no_plain_form_has_no_key(options: dict[str, Any]) -> None:
    assert key(replace(JOB, options=options)) is None
