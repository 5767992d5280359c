"""The contract of backends in executable form. A new model adds one ``Case`` to ``CASES``; nothing else."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from syrinx.core.clock import FakeClock
from syrinx.core.errors import InvalidRequest, TextTooLong, VoiceNotFound
from syrinx.core.types import AudioChunk, Delivery, Mark, MarkKind, SynthesisJob, VoicePrompt
from syrinx.models.base import Backend, ModelInfo, ReferenceClip, SteppedBackend
from syrinx.models.prompt import encode_prompt
from syrinx.models.registry import MODELS, create, find, missing
from syrinx.models.tone.backend import ToneBackend
from syrinx.models.tone.device import Effects
from syrinx.models.tone.options import ToneOptions
from tests.conformance.case import Case, neural_cases
from tests.fakes.backends import BOOM, SimpleFake, SteppedFake
from tests.fakes.speech import noise, speech
from tests.fakes.upstream import WithUpstream

SHORT = "Good morning."
TEXT = "The quick brown fox jumps over the lazy dog, and then it sleeps for a long while in the sun."
MOST_STEPS = 5000


def _tone() -> Backend:
    clock = FakeClock()
    return ToneBackend(ToneOptions(), Effects(clock, clock.advance))


_espeak_is_there = pytest.mark.skipif(missing(find("espeak")) is not None, reason="espeakng_loader is not installed")

CASES = neural_cases() or (
    Case("simple-fake", SimpleFake, failing_text=f"here it goes {BOOM}"),
    Case("stepped-fake", SteppedFake, failing_text=f"here it goes {BOOM}"),
    Case("tone", _tone, failing_text="here it goes {{error}}"),
    Case("upstream", WithUpstream),
    Case("upstream-events", lambda: WithUpstream("sse")),
    Case("espeak", lambda: create("espeak", {}), tolerance=0.02, marks=(_espeak_is_there,)),
)


@dataclass(slots=True)
class Spoken:
    """All that came of one job."""

    chunks: list[AudioChunk] = field(default_factory=list)
    error: Exception | None = None

    @property
    def samples(self) -> np.ndarray:
        return np.concatenate([chunk.samples for chunk in self.chunks])

    @property
    def marks(self) -> list[Mark]:
        return [mark for chunk in self.chunks for mark in chunk.marks]

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.chunks[0].sample_rate

    @property
    def energy(self) -> float:
        return float(np.sqrt(np.mean(np.square(self.samples, dtype=np.float64))))


class Rig:
    """A loaded backend and short words for what the tests do with it."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.backend = case.make()
        self.info: ModelInfo = self.backend.load()
        self.steps: SteppedBackend = self.backend.stepped()

    def job(self, job_id: str, text: str = TEXT, **changes: object) -> SynthesisJob:
        voice = self.info.voice(self.info.default_voice)
        assert voice is not None
        seed = 7 if self.info.sampled else None  # what differs each time by its nature cannot be compared without one
        job = SynthesisJob(job_id, text, voice.id, voice.languages[0], utterance_id="utterance", seed=seed)
        return replace(job, **changes)  # type: ignore[arg-type]

    def speak(self, *jobs: SynthesisJob) -> list[Spoken]:
        """Speak jobs side by side to their ends, closing each."""
        spoken = {job.job_id: Spoken() for job in jobs}
        for job in jobs:
            self.steps.open(job)
        running = [job.job_id for job in jobs]
        for _ in range(MOST_STEPS):
            if not running:
                return list(spoken.values())
            batch = running[: self.info.max_batch]
            running = running[self.info.max_batch :]
            running += self._step(batch, spoken)
        raise AssertionError(f"{running} did not end in {MOST_STEPS} steps")

    def _step(self, batch: Sequence[str], spoken: dict[str, Spoken]) -> list[str]:
        results = self.steps.step(batch)
        assert [result.job_id for result in results] == list(batch)
        for result in results:
            assert result.chunk is None or result.error is None
            assert result.error is None or result.done
            if result.chunk is not None:
                spoken[result.job_id].chunks.append(result.chunk)
            if result.done:
                spoken[result.job_id].error = result.error
                self.steps.close(result.job_id)
        return [result.job_id for result in results if not result.done]

    def first_chunk(self, job_id: str) -> AudioChunk:
        """Step an open job until its first audio, which must not be its end."""
        for _ in range(MOST_STEPS):
            (result,) = self.steps.step([job_id])
            assert not result.done, "all of it came at once"
            if result.chunk is not None:
                return result.chunk
        raise AssertionError(f"{job_id} made no sound")

    def alike(self, one: Spoken, two: Spoken) -> bool:
        """Whether two runs of a job are the same as far as this model promises."""
        tolerance = self.case.tolerance
        if tolerance == 0:
            return np.array_equal(one.samples, two.samples) and one.marks == two.marks
        if self.case.apart is not None and len(one.samples) == len(two.samples):
            return bool(np.abs(one.samples - two.samples).max() <= self.case.apart)
        return two.seconds == pytest.approx(one.seconds, rel=tolerance) and two.energy == pytest.approx(
            one.energy, rel=tolerance
        )


@pytest.fixture(params=[pytest.param(case, id=case.name, marks=case.marks) for case in CASES])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    before = set(threading.enumerate())
    rig = Rig(request.param)
    yield rig
    rig.backend.unload()
    assert set(threading.enumerate()) <= before, "unload must end every thread of the model"


# --- what it says about itself -------------------------------------------------------------------------------------


def test_info_is_complete_and_agrees_with_itself(rig: Rig) -> None:
    info = rig.info
    assert info.name and info.title and info.licence
    assert 8000 <= info.sample_rate <= 48000
    assert info.max_batch >= 1 and info.max_segment_chars >= 100 and 0.01 <= info.seconds_per_char <= 0.5
    ids = [voice.id for voice in info.voices]
    assert len(set(ids)) == len(ids) and info.default_voice in ids
    for voice in info.voices:
        assert voice.id and voice.name and voice.gender in ("", "female", "male")
        assert voice.languages and all(re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", t) for t in voice.languages)
    json.dumps(dict(info.options_schema))
    re.compile(info.verbatim)
    for native in (info.native_speed, info.native_pitch, info.native_volume):
        assert native is None or native[0] <= 1.0 <= native[1]


def test_every_variant_of_a_voice_is_a_voice_that_can_be_opened(rig: Rig) -> None:
    for variant in rig.info.voice_variants:
        voice = rig.info.voice(rig.info.default_voice + variant.suffix)
        assert voice is not None and voice.languages == rig.info.voices[0].languages
        rig.steps.open(rig.job("v", SHORT, voice=voice.id))
        rig.steps.close("v")


def test_the_stepped_shape_is_one_object(rig: Rig) -> None:
    assert rig.backend.stepped() is rig.backend.stepped()


def test_the_expected_length_is_near_the_real_one(rig: Rig) -> None:
    if rig.case.random_weights:
        return
    job = rig.job("a")
    expected = rig.backend.expected_s(job) or len(TEXT) * rig.info.seconds_per_char
    assert rig.speak(job)[0].seconds == pytest.approx(expected, rel=0.35)


# --- audio and marks -----------------------------------------------------------------------------------------------


def test_chunks_are_float32_mono_in_range_and_at_the_stated_rate(rig: Rig) -> None:
    (spoken,) = rig.speak(rig.job("a"))
    assert len(spoken.chunks) > 1
    for chunk in spoken.chunks:
        assert chunk.sample_rate == rig.info.sample_rate
        assert chunk.samples.dtype == np.float32 and chunk.samples.ndim == 1 and chunk.samples.flags.c_contiguous
        assert len(chunk.samples) > 0 and np.isfinite(chunk.samples).all() and np.abs(chunk.samples).max() <= 1.0
    assert spoken.energy > 0.01


def test_marks_are_ordered_within_text_and_audio_and_no_later_than_their_audio(rig: Rig) -> None:
    text = "Für 12,345 größere naïve Wörter 😀 and $3.50, it's well-known!"
    (spoken,) = rig.speak(rig.job("a", text))
    made_s = 0.0
    for chunk in spoken.chunks:
        assert all(mark.start_s >= made_s - 1e-6 for mark in chunk.marks)
        made_s += len(chunk.samples) / chunk.sample_rate
        assert all(mark.start_s <= made_s + 1e-6 for mark in chunk.marks)
    marks = spoken.marks
    assert all(0 <= m.span.start < m.span.end <= len(text) and 0 <= m.start_s <= m.end_s for m in marks)
    assert all(m.end_s <= spoken.seconds + 1e-3 for m in marks)
    assert all(a.span.end <= b.span.start and a.end_s <= b.start_s + 1e-6 for a, b in pairwise(marks))


def test_a_model_with_word_times_marks_whole_words_and_nearly_all(rig: Rig) -> None:
    (spoken,) = rig.speak(rig.job("a"))
    marked = {(m.span.start, m.span.end) for m in spoken.marks if m.kind is MarkKind.WORD}
    words = {match.span() for match in re.finditer(r"\w+", TEXT)} if rig.info.word_times else set()
    assert marked <= words
    assert len(marked) >= 0.85 * len(words)  # a model may run small words together ("for a")
    assert not any(mark.estimated for mark in spoken.marks)


def test_length_grows_with_text(rig: Rig) -> None:
    if rig.case.random_weights:
        return
    one, two = rig.speak(rig.job("a", SHORT), rig.job("b", TEXT))
    assert two.seconds > 2 * one.seconds


# --- delivery ------------------------------------------------------------------------------------------------------


def test_native_speed_scales_the_length_and_other_speeds_are_not_done(rig: Rig) -> None:
    (normal,) = rig.speak(rig.job("a"))
    for speed in rig.info.native_speed or (0.5, 2.0):
        (spoken,) = rig.speak(rig.job("b", delivery=Delivery(speed=speed)))
        ratio = speed if rig.info.native_speed else 1.0
        assert normal.seconds / spoken.seconds == pytest.approx(ratio, rel=0.06)


def test_native_volume_scales_the_level(rig: Rig) -> None:
    (normal,) = rig.speak(rig.job("a"))
    (quiet,) = rig.speak(rig.job("b", delivery=Delivery(volume=0.5)))
    ratio = 0.5 if rig.info.native_volume else 1.0
    assert quiet.energy / normal.energy == pytest.approx(ratio, rel=0.02)


def test_what_one_job_asks_for_does_not_leak_to_the_next(rig: Rig) -> None:
    (before,) = rig.speak(rig.job("a"))
    low, high = rig.info.native_speed or (1.0, 1.0)
    other = rig.info.voices[-1].id
    for speed in (low, high):
        rig.speak(*(rig.job(f"b{n}", voice=other, delivery=Delivery(speed, 1.5, 0.5)) for n in range(4)))
    (after,) = rig.speak(rig.job("c"))
    assert after.seconds == pytest.approx(before.seconds, rel=0.01)
    assert after.energy == pytest.approx(before.energy, rel=0.02)


def test_a_seed_is_taken_and_repeats_where_that_is_promised(rig: Rig) -> None:
    one, two = (rig.speak(rig.job(job_id, seed=7))[0] for job_id in "ab")
    assert rig.alike(one, two)
    if rig.info.repeatable:
        assert abs(one.seconds - two.seconds) <= 0.002


# --- many jobs -----------------------------------------------------------------------------------------------------


def test_jobs_side_by_side_sound_as_each_alone(rig: Rig) -> None:
    jobs = [rig.job(f"j{n}", TEXT[: 30 + 6 * n], utterance_id=f"u{n}") for n in range(3 * rig.info.max_batch)]
    alone = [rig.speak(job)[0] for job in jobs]
    together = rig.speak(*jobs)
    assert all(spoken.error is None for spoken in together)
    assert all(rig.alike(one, two) for one, two in zip(alone, together, strict=True))


def test_a_step_gives_one_result_per_id_in_order(rig: Rig) -> None:
    ids = [f"j{n}" for n in range(rig.info.max_batch)]
    for job_id in ids:
        rig.steps.open(rig.job(job_id))
    assert [result.job_id for result in rig.steps.step(ids[::-1])] == ids[::-1]
    assert rig.steps.step([]) == []
    for job_id in ids:
        rig.steps.close(job_id)


def test_closing_midway_frees_what_the_job_held(rig: Rig) -> None:
    (whole,) = rig.speak(rig.job("whole"))
    for n in range(3 * rig.info.max_batch):
        rig.steps.open(rig.job(f"j{n}"))
        rig.first_chunk(f"j{n}")
        rig.steps.close(f"j{n}")
    (again,) = rig.speak(rig.job("again"))
    assert again.seconds == pytest.approx(whole.seconds, rel=max(rig.case.tolerance, 1e-9))


def test_a_job_closed_before_its_first_step_leaves_nothing(rig: Rig) -> None:
    rig.steps.open(rig.job("a"))
    rig.steps.close("a")
    (spoken,) = rig.speak(rig.job("a"))
    assert spoken.error is None


def test_closing_an_unknown_or_finished_job_does_nothing(rig: Rig) -> None:
    rig.steps.close("never opened")
    rig.speak(rig.job("a", SHORT))
    rig.steps.close("a")


def test_what_the_model_raises_ends_its_own_job_only(rig: Rig) -> None:
    if rig.case.failing_text is None:
        return
    bad, good = rig.speak(rig.job("bad", rig.case.failing_text), rig.job("good"))
    assert isinstance(bad.error, Exception) and bad.chunks
    assert good.error is None and good.seconds > 1


# --- cloned voices -------------------------------------------------------------------------------------------------


def cloned(rig: Rig, folder: Path, voice: str = "en") -> VoicePrompt:
    """Have the model derive a prompt of espeak's speech in that voice, and keep it as the voice store does."""
    clip = ReferenceClip(speech(voice, rate=24_000), 24_000, "The quick brown fox.", "en")
    tensors = rig.backend.prepare_voice(clip)
    data = encode_prompt(rig.info.name, rig.info.revision, tensors)
    path = folder / f"{voice}.safetensors"
    path.write_bytes(data)
    return VoicePrompt(hashlib.sha256(data).hexdigest(), str(path))


def test_the_registry_says_whether_a_model_clones(rig: Rig) -> None:
    entry = MODELS.get(rig.info.name)
    assert entry is None or entry.clones >= rig.info.clones  # with some of its weights it may not


def test_a_model_clones_or_refuses_to(rig: Rig, tmp_path: Path) -> None:
    if not rig.info.clones:
        with pytest.raises(InvalidRequest) as caught:
            rig.backend.prepare_voice(ReferenceClip(speech(), 22_050))
        assert caught.value.code == "cannot_clone"
        with pytest.raises(InvalidRequest) as caught:
            rig.steps.open(rig.job("a", voice="cloned", prompt=VoicePrompt("0" * 64, str(tmp_path / "none"))))
        assert caught.value.code == "cannot_clone"
        return
    prompt = cloned(rig, tmp_path)
    one, other = (rig.speak(rig.job(i, voice="cloned", prompt=prompt, seed=7))[0] for i in "ab")
    assert one.error is None and one.seconds > 1
    assert rig.alike(one, other)
    (own,) = rig.speak(rig.job("c", seed=7))
    assert not rig.alike(one, own)


def test_cloned_voices_differ_and_speak_side_by_side_with_the_models_own(rig: Rig, tmp_path: Path) -> None:
    if not rig.info.clones:
        return
    prompts = [None, cloned(rig, tmp_path), cloned(rig, tmp_path, "en-us+f3")]
    jobs = [
        rig.job(f"j{n}", SHORT, seed=7, prompt=prompt, **({} if prompt is None else {"voice": "cloned"}))
        for n, prompt in enumerate(prompts)
    ]
    alone = [rig.speak(job)[0] for job in jobs]
    together = rig.speak(*jobs)
    assert all(rig.alike(one, two) for one, two in zip(alone, together, strict=True))
    assert not rig.alike(alone[1], alone[2])


@pytest.mark.parametrize("spoiled", ["deleted", "changed", "junk", "another model's"])
def test_a_prompt_that_cannot_be_used_fails_its_own_job_only(rig: Rig, tmp_path: Path, spoiled: str) -> None:
    if not rig.info.clones:
        return
    prompt = cloned(rig, tmp_path)
    path = Path(prompt.path)
    if spoiled == "deleted":
        path.unlink()
    else:
        other = encode_prompt("another", "1", {"x": np.zeros(3, np.float32)})
        data = {"changed": path.read_bytes() + b"x", "junk": b"junk", "another model's": other}[spoiled]
        path.write_bytes(data)
        digest = prompt.digest if spoiled == "changed" else hashlib.sha256(data).hexdigest()
        prompt = replace(prompt, digest=digest)
    with pytest.raises(InvalidRequest) as caught:
        rig.steps.open(rig.job("a", voice="cloned", prompt=prompt))
    assert caught.value.code == ("voice_not_found" if spoiled == "deleted" else "bad_prompt")
    (spoken,) = rig.speak(rig.job("a", SHORT))
    assert spoken.error is None


def test_a_voice_that_was_deleted_after_it_spoke_speaks_no_more(rig: Rig, tmp_path: Path) -> None:
    if not rig.info.clones:
        return
    prompt = cloned(rig, tmp_path)
    rig.speak(rig.job("a", SHORT, voice="cloned", prompt=prompt))
    Path(prompt.path).unlink()
    with pytest.raises(VoiceNotFound):
        rig.steps.open(rig.job("a", voice="cloned", prompt=prompt))


def test_preparing_a_voice_in_mid_speech_changes_nothing(rig: Rig) -> None:
    (alone,) = rig.speak(rig.job("alone"))
    rig.steps.open(rig.job("a"))
    chunks: list[AudioChunk] = []
    for turn in range(MOST_STEPS):
        (result,) = rig.steps.step(["a"])
        chunks += [result.chunk] if result.chunk is not None else []
        if result.done:
            break
        if turn < 3:
            try:
                rig.backend.prepare_voice(ReferenceClip((speech, noise)[turn % 2](), 22_050))
            except InvalidRequest as error:
                assert error.code
    rig.steps.close("a")
    assert rig.alike(alone, Spoken(chunks))


# --- bad and strange input -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "error", "param"),
    [
        ({"voice": "nobody"}, VoiceNotFound, "voice"),
        ({"voice": ""}, VoiceNotFound, "voice"),
        ({"options": {"no_such_option": 1}}, InvalidRequest, "no_such_option"),
    ],
)
def test_open_refuses_what_it_cannot_honour(
    rig: Rig, changes: dict[str, Any], error: type[InvalidRequest], param: str
) -> None:
    with pytest.raises(error) as caught:
        rig.steps.open(rig.job("a", **changes))
    assert caught.value.param == param
    (spoken,) = rig.speak(rig.job("a", SHORT))
    assert spoken.error is None


def test_open_refuses_text_over_the_stated_bound_and_speaks_text_at_it(rig: Rig) -> None:
    longest = ("word " * rig.info.max_segment_chars)[: rig.info.max_segment_chars]
    with pytest.raises(TextTooLong):
        rig.steps.open(rig.job("a", longest + "."))
    (spoken,) = rig.speak(rig.job("a", longest))
    assert spoken.error is None and (spoken.seconds > 5 or rig.case.random_weights)


@pytest.mark.parametrize(
    "text",
    [
        "...",
        "!?",
        "😀👩‍👩‍👧",
        "日本語です",
        "مرحبا",
        "नमस्ते",
        "a\x00b\x07c",
        "\ud800 lone",
        "\u202eabc",
        "<b>&amp;</b>",
        "x" * 200,
        "{ }",
    ],
    ids=ascii,
)
def test_any_text_gives_audio_or_an_error_of_that_job_and_never_hangs(rig: Rig, text: str) -> None:
    strange, good = rig.speak(rig.job("strange", text), rig.job("good", SHORT))
    assert strange.error is None and len(strange.samples) > 0
    assert good.error is None and good.seconds > 0.3
