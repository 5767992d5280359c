"""espeak-ng as a stepped backend: a job is synthesised at full speed on a slot, and stepped out in chunks."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from syrinx.core.types import SynthesisJob
from syrinx.models.base import Backend, ModelInfo, SteppedBackend, StepResult, check_job

from . import pace
from .binding import EspeakLibrary, Utterance
from .options import EspeakOptions
from .slots import Slots
from .speech import Speech
from .voices import DEFAULT_VOICE, VoiceTable, voice_table

MAX_SEGMENT_CHARS = 300
"""About 20 s of speech, made in about 15 ms: what a slot is busy with at most, and 1 MB of samples."""
STEP_TIMEOUT_S = 10.0
"""A step waits at most this long for audio; it comes within milliseconds unless the library hangs."""
SOUND = 3
"""Counts up whenever this package makes the library sound otherwise, or times its words otherwise: its rate,
its voices, what it cleans off the text. Audio in the response cache of another count is not played any more."""

_UNSPEAKABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters (NUL would end the C string) and lone surrogates (which UTF-8 cannot carry)."""


class EspeakBackend(Backend):
    """Real speech from the first day: 130+ languages, no download, under a millisecond to first audio."""

    def __init__(self, options: EspeakOptions) -> None:
        self._options = options
        self._slots: Slots | None = None

    def load(self) -> ModelInfo:
        import espeakng_loader

        library, data = Path(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path())
        first = EspeakLibrary(library, data)
        table = voice_table(first.voices(), first.variants(), _without_dictionary(first, data))
        info = _model_info(first, table, self._options)
        spare = [first]
        self._slots = Slots(self._options.slots, lambda: spare.pop() if spare else EspeakLibrary(library, data))
        self._steps = _EspeakSteps(info, table, self._slots)
        return info

    def stepped(self) -> SteppedBackend:
        return self._steps

    def expected_s(self, job: SynthesisJob) -> float | None:
        return pace.expected_s(job.text)

    def unload(self) -> None:
        if self._slots is not None:
            self._slots.close()
            self._slots = None


def _model_info(library: EspeakLibrary, table: VoiceTable, options: EspeakOptions) -> ModelInfo:
    return ModelInfo(
        name="espeak",
        title="eSpeak NG",
        sample_rate=library.sample_rate,
        voices=table.voices,
        default_voice=DEFAULT_VOICE,
        licence="GPL-3.0-or-later",
        revision=_revision(library),
        max_batch=options.slots,
        max_segment_chars=MAX_SEGMENT_CHARS,
        word_times=True,
        seconds_per_char=pace.SECONDS_PER_LETTER,
        voice_variants=table.variants,
    )


def _revision(library: EspeakLibrary) -> str:
    """The library, the wheel that its dictionaries come from, and what we make of them."""
    from importlib.metadata import version

    return f"{library.version}-{version('espeakng-loader')}-{SOUND}"


def _without_dictionary(library: EspeakLibrary, data: Path) -> set[str]:
    """Languages that the data lists but has no dictionary of: they would spell every word out letter by letter."""
    lacking = set()
    for voice in library.voices():
        name = voice.identifier.rpartition("/")[2].partition("-")[0].lower()
        if (data / f"{name}_dict").exists():
            continue
        said = re.search(r"^dictionary\s+(\S+)", _voice_file(data, voice.identifier), re.MULTILINE)
        if said is None or not (data / f"{said.group(1)}_dict").exists():
            lacking.add(voice.identifier)
    return lacking


def _voice_file(data: Path, identifier: str) -> str:
    path = data / "lang" / identifier
    return path.read_text(encoding="utf-8") if path.exists() else ""


@dataclass(slots=True)
class _Job:
    speech: Speech
    submitted: bool = False


class _EspeakSteps(SteppedBackend):
    """Only jobs being stepped take slots; a slot is free again as soon as its text is synthesised, heard or not."""

    def __init__(self, info: ModelInfo, table: VoiceTable, slots: Slots) -> None:
        self._info = info
        self._table = table
        self._slots = slots
        self._jobs: dict[str, _Job] = {}

    def open(self, job: SynthesisJob) -> None:
        check_job(self._info, job)
        utterance = Utterance(
            text=_UNSPEAKABLE.sub(" ", job.text),  # one for one, so that word positions stay true
            voice=self._table.native_name(job.voice),
            words_per_minute=pace.NORMAL_WPM,
        )
        self._jobs[job.job_id] = _Job(Speech(utterance, self._info.sample_rate))

    def step(self, job_ids: Sequence[str]) -> list[StepResult]:
        for job_id in job_ids:
            job = self._jobs.get(job_id)
            if job is not None and not job.submitted:
                job.submitted = True
                self._slots.submit(job.speech)
        return [self._step_one(job_id) for job_id in job_ids]

    def close(self, job_id: str) -> None:
        job = self._jobs.pop(job_id, None)
        if job is not None:
            job.speech.stop()

    def _step_one(self, job_id: str) -> StepResult:
        try:
            chunk, last = self._jobs[job_id].speech.take(STEP_TIMEOUT_S)
            return StepResult(job_id, chunk=chunk, done=last)
        except Exception as error:  # noqa: BLE001  the job fails, the worker lives
            return StepResult(job_id, done=True, error=error)
