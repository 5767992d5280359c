"""What a request means for one model: how its text is cut, what the model is asked, how the job is scheduled. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from syrinx.audio.delivery import split
from syrinx.audio.pipeline import PipelineSpec
from syrinx.core.types import Delivery, SpeechRequest, SynthesisJob
from syrinx.engine.catalog import Choice
from syrinx.engine.policy import EnginePolicy
from syrinx.text.front import Prepared, TextFront
from syrinx.text.segmenter import SegmentPolicy
from syrinx.workers.host import JobTerms


@dataclass(frozen=True, slots=True)
class Listener:
    """Who hears an utterance, as the scheduler knows it."""

    timeline: str
    owner: str
    max_lead_s: float


@dataclass(frozen=True, slots=True)
class Brief:
    """A request settled on a model and voice. Make it with ``Brief.of``."""

    utterance: str
    """Unique among all utterances of this server."""
    request: SpeechRequest
    choice: Choice
    language: str
    """The request's, else the voice's first."""
    native: Delivery
    """The model's share of the delivery."""
    residual: Delivery
    """The audio chain's share."""

    @staticmethod
    def of(utterance: str, request: SpeechRequest, choice: Choice) -> Brief:
        """Raises ``InvalidRequest`` for a delivery out of range."""
        native, residual = split(request.delivery, choice.info)
        return Brief(utterance, request, choice, request.language or choice.language, native, residual)

    def delivered(self, delivery: Delivery) -> Brief:
        """The same, to be spoken otherwise. Raises ``InvalidRequest``."""
        return Brief.of(self.utterance, replace(self.request, delivery=delivery), self.choice)

    @property
    def seconds_per_char(self) -> float:
        """Usual pace of the model's audio at the speed it is asked for."""
        return self.choice.info.seconds_per_char / self.native.speed

    def pipeline(self, policy: EnginePolicy) -> PipelineSpec:
        """The audio chain that this utterance needs."""
        rate, audio = self.choice.info.sample_rate, self.request.audio
        return PipelineSpec(rate, audio, self.residual, opus_application=policy.opus_application)

    def front(self, policy: EnginePolicy) -> TextFront:
        """The text front end that this utterance needs."""
        info, first = self.choice.info, policy.first_piece
        cuts = SegmentPolicy(
            first_max_words=first.max_words,
            first_boundaries=first.boundaries,
            first_require_boundary=first.require_boundary,
            max_chars=info.max_segment_chars,
            fill=policy.long_segments,
        )
        return TextFront(cuts, self.language, verbatim=info.verbatim, normalize=not info.normalizes)

    def job(self, prepared: Prepared, index: int, *, is_last: bool) -> SynthesisJob:
        """What the model is asked for the ``index``-th segment."""
        return SynthesisJob(
            job_id=f"{self.utterance}.{index}",
            text=prepared.spoken.text,
            voice=self.choice.voice,
            language=self.language,
            delivery=self.native,
            options=self.request.options,
            seed=self.request.seed,
            utterance_id=self.utterance,
            segment_index=index,
            is_last=is_last,
            prompt=self.choice.prompt,
        )

    def terms(self, listener: Listener, policy: EnginePolicy, waited_s: float) -> JobTerms:
        """How the job is scheduled; ``waited_s``: since the listener asked, 0 when already being heard."""
        return JobTerms(
            timeline=listener.timeline,
            owner=listener.owner,
            service_class=self.request.service_class,
            waited_s=waited_s,
            target_ttfa_s=policy.target_ttfa_s,
            playback_rate=self.residual.speed,
            max_lead_s=listener.max_lead_s,
            cache=self.request.cache,
        )
