"""A request settled on a model: who changes the speed, what the model is asked, how it is scheduled."""

import math
from dataclasses import replace

import pytest

from syrinx.core.errors import InvalidRequest
from syrinx.core.types import AudioFormat, Delivery, ServiceClass, SpeechRequest
from syrinx.engine.catalog import Choice
from syrinx.engine.jobs import Brief, Listener
from syrinx.engine.policy import EnginePolicy, FirstPiece
from syrinx.models.base import ModelInfo
from syrinx.text.front import Prepared, plan
from syrinx.text.segmenter import SegmentPolicy
from tests.fakes.host import INFO, FakeHost

POLICY = EnginePolicy(first_piece=FirstPiece(max_words=0))


def brief(request: SpeechRequest, info: ModelInfo = INFO) -> Brief:
    return Brief.of("utt_1", request, Choice(FakeHost(info=info), info, "bob", "en-GB"))


def segment() -> Prepared:
    return plan("It is 5.", "en", SegmentPolicy())[0]


def test_the_model_is_asked_with_what_the_request_says() -> None:
    request = SpeechRequest(options={"mood": "calm"}, seed=7)
    job = brief(request).job(segment(), 3, is_last=True)
    assert (job.job_id, job.text, job.voice, job.language) == ("utt_1.3", "It is five.", "bob", "en-GB")
    assert (job.options, job.seed, job.segment_index, job.is_last) == ({"mood": "calm"}, 7, 3, True)


def test_the_requests_language_wins_over_the_voices() -> None:
    assert brief(SpeechRequest(language="de")).language == "de"


def test_a_model_without_speed_leaves_it_to_the_audio_chain() -> None:
    made = brief(SpeechRequest(delivery=Delivery(speed=2.0)))
    assert (made.native.speed, made.residual.speed) == (1.0, 2.0)
    assert made.pipeline(POLICY).residual.speed == 2.0
    assert made.terms(Listener("t", "o", math.inf), POLICY, 0.0).playback_rate == 2.0
    assert made.seconds_per_char == INFO.seconds_per_char


def test_a_model_with_speed_does_it_and_is_taken_to_be_quicker() -> None:
    made = brief(SpeechRequest(delivery=Delivery(speed=2.0)), replace(INFO, native_speed=(0.5, 3.0)))
    assert (made.native.speed, made.residual.speed) == (2.0, 1.0)
    assert made.seconds_per_char == INFO.seconds_per_char / 2


@pytest.mark.parametrize("speed", [0.0, -1.0, 99.0, math.nan])
def test_a_speed_out_of_range_is_refused(speed: float) -> None:
    with pytest.raises(InvalidRequest):
        brief(SpeechRequest(delivery=Delivery(speed=speed)))


def test_how_it_is_scheduled_is_the_listeners_and_the_requests() -> None:
    terms = brief(SpeechRequest(service_class=ServiceClass.BULK)).terms(Listener("line", "me", 3.0), POLICY, 0.4)
    assert (terms.timeline, terms.owner, terms.max_lead_s) == ("line", "me", 3.0)
    assert (terms.service_class, terms.waited_s) == (ServiceClass.BULK, 0.4)
    assert terms.target_ttfa_s == POLICY.target_ttfa_s


def test_text_is_cut_to_what_the_model_takes_and_left_written_for_one_that_normalises() -> None:
    front = brief(SpeechRequest(), replace(INFO, max_segment_chars=20, normalizes=True)).front(POLICY)
    pieces = [*front.feed("It costs $5. " * 9), *front.end()]
    prepared = [one for piece in pieces for one in front.prepare(piece)]
    assert max(len(one.spoken.text) for one in prepared) <= 20
    assert "$5" in "".join(one.spoken.text for one in prepared)


def test_the_chain_delivers_the_format_that_was_asked_for() -> None:
    wanted = AudioFormat("mp3", 24000, 64000)
    assert brief(SpeechRequest(audio=wanted)).pipeline(POLICY).format == wanted
