"""The tone model's cloning: the pitch of voices and notes is found, and noise has none."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from syrinx.core.errors import InvalidRequest
from syrinx.core.types import Delivery, Samples, SynthesisJob, VoicePrompt
from syrinx.models.base import ReferenceClip
from syrinx.models.prompt import encode_prompt
from syrinx.models.tone.backend import ToneBackend
from syrinx.models.tone.clone import TENSOR, frequency_in, pitch_of, prompt_of
from syrinx.models.tone.options import ToneOptions
from tests.fakes.speech import RATE, noise, speech, tone


@pytest.mark.parametrize("frequency", [55.0, 82.4, 110.0, 173.0, 261.6, 440.0, 880.0, 1150.0])
@pytest.mark.parametrize("rate", [8000, 24_000, 48_000])
def test_the_pitch_of_a_note_is_found_within_1_percent(frequency: float, rate: int) -> None:
    assert pitch_of(tone(frequency, 3.0, rate), rate) == pytest.approx(frequency, rel=0.01)


def test_the_pitch_of_voices_is_theirs() -> None:
    pitches = [pitch_of(speech(voice), RATE) or 0.0 for voice in ("en", "en-us+f3")]
    assert 70 < pitches[0] < 140 < pitches[1] < 300
    assert pitch_of(speech(peak_db=-40), RATE) == pytest.approx(pitches[0], rel=0.02)
    assert pitch_of(speech(rate=8000), 8000) == pytest.approx(pitches[0], rel=0.05)


@pytest.mark.parametrize(
    "samples",
    [noise(), np.zeros(48_000, np.float32), np.full(48_000, 0.3, np.float32), np.zeros(10, np.float32)],
    ids=["noise", "silence", "offset", "nothing"],
)
def test_what_has_no_pitch_is_refused_with_the_reason(samples: Samples) -> None:
    with pytest.raises(InvalidRequest, match="noise, or nobody") as caught:
        prompt_of(ReferenceClip(samples, 24_000))
    assert caught.value.code == "no_pitch"


@pytest.mark.parametrize(
    "array", [None, np.zeros(1), np.array([np.nan]), np.array([1e9]), np.zeros((1, 1)), np.array([440], np.int64)]
)
def test_a_prompt_without_a_pitch_is_refused(array: np.ndarray | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        frequency_in({} if array is None else {TENSOR: array})
    assert caught.value.code == "bad_prompt"


def test_a_cloned_voice_sounds_at_its_pitch_whatever_the_utterance(tmp_path: Path) -> None:
    backend = ToneBackend(ToneOptions(x_realtime=1_000_000))
    info = backend.load()
    assert info.clones and info.sampled
    data = encode_prompt("tone", info.revision, backend.prepare_voice(ReferenceClip(tone(173.0), 24_000)))
    (tmp_path / "p").write_bytes(data)
    prompt = VoicePrompt(hashlib.sha256(data).hexdigest(), str(tmp_path / "p"))
    for utterance, ratio in (("one", 1.0), ("two", 1.0), ("two", 1.5)):
        steps = backend.stepped()
        delivery = Delivery(pitch=ratio)
        text = "{{long 2}}"
        steps.open(SynthesisJob("j", text, "my-id", "en", delivery, utterance_id=utterance, prompt=prompt))
        pieces, done = [], False
        while not done:
            (result,) = steps.step(["j"])
            pieces += [result.chunk.samples] if result.chunk is not None else []
            done = result.done
        steps.close("j")
        assert pitch_of(np.concatenate(pieces), 24_000) == pytest.approx(173.0 * ratio, rel=0.005)
