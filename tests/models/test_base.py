from __future__ import annotations

from collections.abc import Generator

import numpy as np
import pytest

from syrinx.core.errors import InvalidRequest, TextTooLong, VoiceNotFound
from syrinx.core.types import AudioChunk, SynthesisJob
from syrinx.models.base import ModelInfo, SimpleBackend, VoiceInfo, VoiceVariant, check_job

INFO = ModelInfo(
    name="m",
    title="M",
    sample_rate=8000,
    voices=(
        VoiceInfo("en", "English", ("en",), "male"),
        VoiceInfo("de", "German", ("de",)),
        VoiceInfo("en+x", "Own", ("en",)),
    ),
    default_voice="en",
    licence="MIT",
    max_segment_chars=10,
    options_schema={"type": "object", "properties": {"heat": {}}},
    voice_variants=(VoiceVariant("+f", "female", "female"), VoiceVariant("+x", "croak")),
)


def job(text: str = "hi", voice: str = "en", **changes: object) -> SynthesisJob:
    return SynthesisJob("j", text, voice, "en", **changes)  # type: ignore[arg-type]


def test_a_voice_with_a_variant_has_its_languages_and_the_variants_gender() -> None:
    assert INFO.voice("de+f") == VoiceInfo("de+f", "German, female", ("de",), "female")
    assert INFO.voice("de+x") == VoiceInfo("de+x", "German, croak", ("de",), "")


def test_a_listed_voice_comes_before_a_sum() -> None:
    found = INFO.voice("en+x")
    assert found is not None and found.name == "Own"


@pytest.mark.parametrize("voice_id", ["", "fr", "+f", "fr+f", "en+y", "en+f+f", "de+x+f"])
def test_what_is_no_sum_of_a_voice_and_a_variant_is_no_voice(voice_id: str) -> None:
    assert INFO.voice(voice_id) is None


def test_check_job_refuses_each_by_its_own_error() -> None:
    check_job(INFO, job(options={"heat": 1}))
    with pytest.raises(VoiceNotFound):
        check_job(INFO, job(voice="xx"))
    with pytest.raises(TextTooLong):
        check_job(INFO, job("eleven char"))
    with pytest.raises(InvalidRequest, match="hat"):
        check_job(INFO, job(options={"hat": 1}))


class Closable(SimpleBackend):
    def __init__(self) -> None:
        self.closed = 0

    def load(self) -> ModelInfo:
        return INFO

    def check(self, job: SynthesisJob) -> None:
        check_job(INFO, job)

    def synthesize(self, job: SynthesisJob) -> Generator[AudioChunk, None, None]:
        try:
            while True:
                yield AudioChunk(np.zeros(8, np.float32), 8000)
        finally:
            self.closed += 1


def test_a_generator_is_closed_with_its_job_and_a_bad_job_is_refused_at_open() -> None:
    backend = Closable()
    steps = backend.stepped()
    steps.open(job())
    assert steps.step(["j"])[0].chunk is not None
    steps.close("j")
    assert backend.closed == 1
    with pytest.raises(VoiceNotFound):
        steps.open(job(voice="xx"))
