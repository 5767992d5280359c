"""Jobs to pieces, pieces to chunks: all of Kokoro but its network, which is a ``Speaker``."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from syrinx.core.types import AudioChunk, Mark, Samples, SynthesisJob
from syrinx.models.base import ModelInfo, SteppedBackend, StepResult, check_job

from .pieces import MOST, Piece, cut
from .timing import FRAME, SAMPLE_RATE, Frames, faded, trimmed, words
from .units import Unit, cleaned, speakable
from .voices import Style, Voices

SILENCE_S = 0.1
"""Said for a text without anything to say."""


@dataclass(frozen=True, slots=True)
class Line:
    """One piece as the network takes it."""

    phonemes: str
    """1 to 510 characters of its alphabet."""
    style: Style
    """float32 [1, 256]."""
    speed: float
    seed: int


@dataclass(frozen=True, slots=True)
class Spoken:
    """What the network made of a line."""

    samples: Samples
    frames: Frames | None
    """How long each phoneme is, int64 [phonemes + 2]; None: this network does not tell."""


class Speaker(Protocol):
    """A network that is loaded."""

    @property
    def alphabet(self) -> frozenset[str]:
        """The phonemes that it knows."""
        ...

    def say(self, lines: Sequence[Line]) -> list[Spoken]:
        """Make the audio of each line."""
        ...

    def begin(self, line: Line) -> Iterator[Spoken | None]:
        """Make the audio of one line in parts: nothing (None) while there is more to do, then what was made."""
        ...


class Reading(Protocol):
    """Turns text into units; ``readers.Readers`` is one."""

    def code(self, tag: str, voice: str) -> str: ...
    def read(self, text: str, code: str) -> list[Unit]: ...


@dataclass(slots=True)
class _Job:
    job: SynthesisJob
    code: str
    pieces: deque[Piece] | None = None
    """Still to be said; None: the text was not read yet."""
    said: int = 0
    samples: int = 0
    making: Iterator[Spoken | None] | None = None
    """The piece that is half made; None: none is."""


class KokoroSteps(SteppedBackend):
    """Where one job is taken at a time, a step is a part of the work on its piece; else it says one piece of each."""

    def __init__(
        self, info: ModelInfo, voices: Voices, readers: Reading, speaker: Speaker, *, most: int = MOST
    ) -> None:
        """``most``: phonemes aimed at in the longest piece."""
        self._info = info
        self._most = most
        self._voices = voices
        self._readers = readers
        self._speaker = speaker
        self._jobs: dict[str, _Job] = {}

    def open(self, job: SynthesisJob) -> None:
        check_job(self._info, job)
        self._jobs[job.job_id] = _Job(job, self._readers.code(job.language, job.voice))

    def step(self, job_ids: Sequence[str]) -> list[StepResult]:
        if self._info.max_batch == 1:
            return [self._advance(job_id) for job_id in job_ids]
        results: dict[str, StepResult] = {}
        lines: dict[str, Line] = {}
        for job_id in job_ids:
            try:
                line = self._next_line(self._jobs[job_id])
            except Exception as error:  # noqa: BLE001  a reader may raise anything; this job fails, the others go on
                results[job_id] = StepResult(job_id, done=True, error=error)
                continue
            if line is None:
                results[job_id] = StepResult(job_id, chunk=_silence(), done=True)
            else:
                lines[job_id] = line
        results |= self._say(lines)
        return [results[job_id] for job_id in job_ids]

    def close(self, job_id: str) -> None:
        self._jobs.pop(job_id, None)

    def _advance(self, job_id: str) -> StepResult:
        state = self._jobs[job_id]
        try:
            if state.making is None:
                line = self._next_line(state)
                if line is None:
                    return StepResult(job_id, chunk=_silence(), done=True)
                state.making = self._speaker.begin(line)
            spoken = next(state.making)
        except Exception as error:  # noqa: BLE001  reader and network may raise anything; the worker lives
            return StepResult(job_id, done=True, error=error)
        if spoken is None:
            return StepResult(job_id)
        state.making = None
        return self._result(state, spoken)

    def _say(self, lines: dict[str, Line]) -> dict[str, StepResult]:
        if not lines:
            return {}
        try:
            spoken = self._speaker.say(list(lines.values()))
        except Exception as error:  # noqa: BLE001  the jobs of this step fail, the worker lives
            return {job_id: StepResult(job_id, done=True, error=error) for job_id in lines}
        return {job_id: self._result(self._jobs[job_id], made) for job_id, made in zip(lines, spoken, strict=True)}

    def _next_line(self, state: _Job) -> Line | None:
        job = state.job
        if state.pieces is None:
            units = speakable(self._readers.read(cleaned(job.text), state.code), self._speaker.alphabet)
            state.pieces = deque(cut(units, job.segment_index, self._most))
        if not state.pieces:
            return None
        phonemes = state.pieces[0].phonemes
        style = self._voices.style(job.voice, len(phonemes))
        return Line(phonemes, style, job.delivery.speed, _seed(job, state.said))

    def _result(self, state: _Job, spoken: Spoken) -> StepResult:
        assert state.pieces, "it was just said"
        piece = state.pieces.popleft()
        samples, marks = _cut_silence(piece, spoken, state.job.delivery.speed)
        chunk = AudioChunk(faded(samples), SAMPLE_RATE, _moved(marks, state.samples, len(samples)))
        state.said += 1
        state.samples += len(samples)
        return StepResult(state.job.job_id, chunk=chunk, done=not state.pieces)


def _cut_silence(piece: Piece, spoken: Spoken, speed: float) -> tuple[Samples, list[Mark]]:
    if spoken.frames is None:
        return spoken.samples, []
    before, after = trimmed(spoken.frames, piece.ending, speed)
    return spoken.samples[before * FRAME : len(spoken.samples) - after * FRAME], words(piece, spoken.frames, before)


def _moved(marks: Sequence[Mark], start: int, count: int) -> tuple[Mark, ...]:
    """Marks of a piece as those of its job, within the piece's audio."""
    begin_s, end_s = start / SAMPLE_RATE, (start + count) / SAMPLE_RATE
    return tuple(
        Mark(mark.kind, mark.span, min(begin_s + mark.start_s, end_s), min(begin_s + mark.end_s, end_s))
        for mark in marks
    )


def _seed(job: SynthesisJob, piece: int) -> int:
    """Of the noise in a piece: the same job gives the same audio, and 0 stands for no seed."""
    root = (job.seed or 0) % 2**64
    return int(np.random.SeedSequence([root, job.segment_index, piece]).generate_state(1)[0])


def _silence() -> AudioChunk:
    return AudioChunk(np.zeros(round(SILENCE_S * SAMPLE_RATE), np.float32), SAMPLE_RATE)
