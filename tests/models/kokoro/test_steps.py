"""The steps of both Kokoro models on a network of tones, without any library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from syrinx.core.errors import InvalidRequest, ModelNotReady, VoiceNotFound
from syrinx.core.types import AudioChunk, Delivery, SynthesisJob
from syrinx.models.kokoro.align import units_of
from syrinx.models.kokoro.info import model_info
from syrinx.models.kokoro.languages import code_of
from syrinx.models.kokoro.steps import KokoroSteps, Line, Spoken
from syrinx.models.kokoro.timing import FRAME, at_speed
from syrinx.models.kokoro.units import Unit
from syrinx.models.kokoro.voices import PACK_SHAPE, Voices, checked, is_voice

TEXT = "one two three four five six seven eight nine ten, eleven twelve thirteen fourteen fifteen."
PACKS = {
    name: np.full(PACK_SHAPE, n, np.float32) + np.arange(510, dtype=np.float32)[:, None, None] * 0
    for n, name in enumerate(("bf_emma", "af_heart", "am_adam", "jf_alpha"))
}


class Tones:
    """Each phoneme lasts three frames, silence ten."""

    alphabet = frozenset("abcdefghijklmnopqrstuvwxyz ,.")

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.fails = False

    def say(self, lines: Sequence[Line]) -> list[Spoken]:
        if self.fails:
            raise RuntimeError("broken")
        self.lines += lines
        return [self._say(line) for line in lines]

    def begin(self, line: Line) -> Iterator[Spoken | None]:
        yield None
        yield self.say([line])[0]

    def _say(self, line: Line) -> Spoken:
        frames = at_speed(np.array([10, *[3] * len(line.phonemes), 10]), line.speed)
        return Spoken(np.full(int(frames.sum()) * FRAME, 0.1, np.float32), frames)


class Spelling:
    """Text is its own phonemes."""

    def code(self, tag: str, voice: str) -> str:
        return code_of(tag, voice[0])

    def read(self, text: str, code: str) -> list[Unit]:
        if "boom" in text:
            raise ValueError("unreadable")
        return units_of(text, text)


@pytest.fixture
def tones() -> Tones:
    return Tones()


@pytest.fixture
def steps(tones: Tones) -> KokoroSteps:
    voices = Voices(PACKS)
    info = model_info(
        name="kokoro",
        title="Kokoro",
        licence="Apache-2.0",
        voices=voices.listed(frozenset("j")),
        revision="1",
        max_batch=4,
        native_speed=(0.5, 2.0),
    )
    return KokoroSteps(info, voices, Spelling(), tones)


@pytest.fixture
def parts(tones: Tones) -> KokoroSteps:
    """Of one job at a time, in parts."""
    voices = Voices(PACKS)
    info = model_info(name="kokoro", title="", licence="", voices=voices.listed(frozenset()), revision="1")
    return KokoroSteps(info, voices, Spelling(), tones)


def job(text: str = TEXT, job_id: str = "a", voice: str = "af_heart", **changes: object) -> SynthesisJob:
    return SynthesisJob(job_id, text, voice, "en-US", **changes)  # type: ignore[arg-type]


def speak(steps: KokoroSteps, said: SynthesisJob) -> list[AudioChunk]:
    steps.open(said)
    chunks: list[AudioChunk] = []
    while True:
        (result,) = steps.step([said.job_id])
        assert result.error is None
        if result.chunk is not None:
            chunks.append(result.chunk)
        if result.done:
            steps.close(said.job_id)
            return chunks


def test_a_step_says_a_piece_and_the_first_is_short(steps: KokoroSteps) -> None:
    chunks = speak(steps, job())
    lengths = [len(chunk.samples) / 24_000 for chunk in chunks]
    assert len(lengths) > 2 and lengths[0] == min(lengths) < 1.5


def test_a_piece_is_made_in_parts_where_one_job_is_taken_at_a_time(steps: KokoroSteps, parts: KokoroSteps) -> None:
    parts.open(job())
    results = [parts.step(["a"])[0] for _ in range(4)]
    assert [result.chunk is None for result in results] == [True, False, True, False]
    parts.close("a")
    whole, in_parts = ([chunk.samples for chunk in speak(made, job())] for made in (steps, parts))
    assert len(whole) == len(in_parts) and all(map(np.array_equal, whole, in_parts))


def test_a_job_that_ends_in_mid_piece_leaves_the_others_alone(parts: KokoroSteps, tones: Tones) -> None:
    alone = [len(chunk.samples) for chunk in speak(parts, job(job_id="b"))]
    tones.lines.clear()
    parts.open(job("never said", "a"))
    parts.step(["a"])
    parts.close("a")
    assert [len(chunk.samples) for chunk in speak(parts, job(job_id="b"))] == alone
    assert not any("never" in line.phonemes for line in tones.lines)


def test_words_come_in_order_with_the_audio_they_are_in(steps: KokoroSteps) -> None:
    made_s = 0.0
    spoken: list[str] = []
    for chunk in speak(steps, job()):
        begin_s, made_s = made_s, made_s + len(chunk.samples) / 24_000
        assert all(begin_s <= mark.start_s <= mark.end_s <= made_s for mark in chunk.marks)
        spoken += [TEXT[mark.span.start : mark.span.end] for mark in chunk.marks]
    assert spoken == TEXT.replace(",", "").replace(".", "").split()


def test_silence_between_pieces_is_cut_and_the_end_kept(steps: KokoroSteps, tones: Tones) -> None:
    made = [
        len(chunk.samples)
        for text in (TEXT, "one two three, four five six, seven eight nine.")
        for chunk in speak(steps, job(text))
    ]
    lines = [line.phonemes for line in tones.lines]
    ends = {",": 6, ".": 10}  # of ten frames of silence; after a word one, for none of these has a stress
    assert {line[-1] for line in lines} > {",", "."}
    assert made == [(4 + 3 * len(line) + ends.get(line[-1], 1)) * FRAME for line in lines]


def test_speed_and_seed_and_style_reach_the_network(steps: KokoroSteps, tones: Tones) -> None:
    count = len(speak(steps, job(delivery=Delivery(speed=1.5), seed=7)))
    for seed in (7, None, 0):
        speak(steps, job(seed=seed))
    assert tones.lines[0].speed == 1.5 and tones.lines[0].style.shape == (1, 256)
    fast, seven, none, nought = ([line.seed for line in tones.lines[n * count :][:count]] for n in range(4))
    assert fast == seven != none == nought
    assert len(set(seven)) == count


def test_blends_are_weighted_means(steps: KokoroSteps, tones: Tones) -> None:
    speak(steps, job(voice="bf_emma(3)+am_adam(1)"))
    assert tones.lines[0].style == pytest.approx(np.full((1, 256), 0.5))
    with pytest.raises(VoiceNotFound):
        steps.open(job(voice="bf_emma+nobody"))


def test_what_cannot_be_read_ends_its_own_job_only(steps: KokoroSteps) -> None:
    steps.open(job("boom", "bad"))
    steps.open(job("fine.", "good"))
    bad, good = steps.step(["bad", "good"])
    assert isinstance(bad.error, ValueError) and bad.done
    assert good.error is None and good.chunk is not None


def test_a_network_that_fails_fails_the_step_and_not_the_next(steps: KokoroSteps, tones: Tones) -> None:
    steps.open(job(job_id="a"))
    tones.fails = True
    (result,) = steps.step(["a"])
    assert isinstance(result.error, RuntimeError) and result.done
    steps.close("a")
    tones.fails = False
    assert speak(steps, job(job_id="b"))


def test_nothing_to_say_is_a_moment_of_silence(steps: KokoroSteps) -> None:
    (chunk,) = speak(steps, job("§§"))
    assert len(chunk.samples) and not chunk.samples.any()


def test_a_language_it_does_not_speak_is_refused_when_it_is_opened(steps: KokoroSteps) -> None:
    with pytest.raises(InvalidRequest) as caught:
        steps.open(SynthesisJob("a", TEXT, "af_heart", "de"))
    assert caught.value.code == "unsupported_language" and caught.value.param == "language"


# --- voices --------------------------------------------------------------------------------------------------------


def test_voices_say_language_and_gender_by_their_names() -> None:
    listed = Voices(PACKS).listed(frozenset("j"))
    assert [voice.id for voice in listed] == ["af_heart", "am_adam", "bf_emma", "jf_alpha"]
    assert [voice.languages for voice in listed] == [("en-US",), ("en-US",), ("en-GB",), ("ja",)]
    assert [voice.gender for voice in listed] == ["female", "male", "female", "female"]
    assert "needs fugashi" in listed[3].description and not listed[0].description


def test_files_of_other_names_are_no_voices() -> None:
    assert is_voice("af_heart") and not is_voice("xf_heart") and not is_voice("notes") and not is_voice("ax_heart")


@pytest.mark.parametrize(
    "pack", [None, np.zeros((3, 256), np.float32), np.zeros(PACK_SHAPE, np.int64), np.full(PACK_SHAPE, np.nan)]
)
def test_a_pack_of_another_shape_is_named(pack: object) -> None:
    with pytest.raises(ModelNotReady, match=r"voices/af_heart\.pt.*Fetch it again"):
        checked("af_heart", pack, "voices/af_heart.pt", "Fetch it again")
