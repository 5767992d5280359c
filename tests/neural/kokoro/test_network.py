"""The real architecture (58 million random weights), a second of sound at a time: one session fixture, short texts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from syrinx.core.types import Delivery, SynthesisJob
from syrinx.models.kokoro.backend import KokoroBackend
from syrinx.models.kokoro.network import GPU_ROUNDING, Network, _ended
from syrinx.models.kokoro.options import KokoroOptions
from syrinx.models.kokoro.steps import Line
from syrinx.models.kokoro.timing import FRAME
from syrinx.models.kokoro.weights import load_model, load_voices

from .small import checkpoint

CLOSE = 2e-4
"""Two ways to the same sample: other orders of addition, through some fifty layers."""


@pytest.fixture(scope="module")
def model() -> Any:
    torch.set_num_threads(1)
    return load_model(checkpoint())


@pytest.fixture
def network(model: Any) -> Network:
    return Network(model, torch.float32)


def line(phonemes: str = "hˈI ðɛɹ.", voice: str = "af_heart", speed: float = 1.0, seed: int = 1) -> Line:
    return Line(phonemes, load_voices(checkpoint()).style(voice, len(phonemes)), speed, seed)


def test_the_halves_are_what_the_library_does_at_once(model: Any, network: Network) -> None:
    said = line()
    (made,) = network.say([said])
    with torch.random.fork_rng():
        torch.manual_seed(said.seed)
        whole = model(said.phonemes, torch.from_numpy(said.style), 1.0, return_output=True)
    assert made.frames is not None and made.frames.tolist() == whole.pred_dur.tolist()
    assert len(made.samples) == int(made.frames.sum()) * FRAME
    assert np.abs(made.samples - whole.audio.numpy().clip(-1, 1)).max() <= CLOSE


def test_two_pieces_made_in_turns_sound_as_each_alone(network: Network) -> None:
    lines = [line(), line("nˈO.", "am_adam", seed=3)]
    alone = [network.say([said])[0].samples for said in lines]
    turns = [list(parts) for parts in zip(*map(network.begin, lines), strict=True)]
    assert len(turns) > 20 and all(part is None for parts in turns[:-1] for part in parts)
    for made, samples in zip(turns[-1], alone, strict=True):
        assert made is not None and np.array_equal(made.samples, samples)


def test_pieces_of_equal_length_sound_in_a_batch_as_each_alone(network: Network) -> None:
    lines = [line(), line("ɡˈO nˌW!", "bf_emma", seed=2), line("nˈO.", "am_adam", seed=3)]
    alone = [network.say([said])[0] for said in lines]
    together = network.say(lines)
    assert len(alone[0].samples) == len(alone[1].samples) != len(alone[2].samples)
    for one, two in zip(alone, together, strict=True):
        assert np.abs(one.samples - two.samples).max() <= CLOSE


def test_lengths_rounded_up_for_a_gpu_meet_and_are_cut_again(network: Network) -> None:
    network._rounding = GPU_ROUNDING
    lines = [line("nˈO."), line("nˈOː.", seed=2)]
    totals = [_ended(network._measure(said)).total for said in lines]
    assert totals[0] == totals[1] and totals[0] % GPU_ROUNDING == 0
    alone = [network.say([said])[0] for said in lines]
    together = network.say(lines)
    for one, two in zip(alone, together, strict=True):
        assert one.frames is not None and len(one.samples) == int(one.frames.sum()) * FRAME
        assert np.abs(one.samples - two.samples).max() <= CLOSE


def test_a_seed_makes_the_noise_and_leaves_the_process_alone(network: Network) -> None:
    before = torch.get_rng_state()
    one, again, other = (network.say([line("nˈO.", seed=seed)])[0].samples for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert np.array_equal(one, again) and not np.array_equal(one, other)


def test_a_voice_and_a_blend_sound_their_own(network: Network) -> None:
    heart, emma, both = (
        network.say([line("nˈO.", voice)])[0].samples for voice in ("af_heart", "bf_emma", "af_heart+bf_emma")
    )
    assert not np.array_equal(heart, emma) and not np.array_equal(heart, both)


def test_speed_is_exact_where_the_library_rounds(model: Any, network: Network) -> None:
    said = line("ðə kwˈɪk fˈɑks.")
    lengths = [len(network.say([replace(said, speed=speed)])[0].samples) for speed in (1.0, 2.0)]
    assert lengths[0] / lengths[1] == pytest.approx(2.0, rel=0.03)
    library = model(said.phonemes, torch.from_numpy(said.style), 2.0, return_output=True)
    assert lengths[0] / len(library.audio) < 1.7


def test_shorter_numbers_still_speak(model: Any, network: Network) -> None:
    network._dtype = torch.bfloat16
    (made,) = network.say([line("nˈO.")])
    assert np.isfinite(made.samples).all() and np.abs(made.samples).max() > 0.01


def test_the_whole_backend_speaks_from_disk() -> None:
    backend = KokoroBackend(KokoroOptions(weights=str(checkpoint()), threads=1, device="cpu"))
    info = backend.load()
    steps = backend.stepped()
    steps.open(SynthesisJob("a", "Hi there.", "af_heart(2)+bf_emma", "en-US", Delivery(speed=1.25), seed=3))
    result = next(result for result in iter(lambda: steps.step(["a"])[0], None) if result.chunk or result.error)
    assert result.error is None and result.done and result.chunk is not None
    assert [(m.span.start, m.span.end) for m in result.chunk.marks] == [(0, 2), (3, 8)]
    assert info.max_batch == 1 and info.repeatable and info.revision.count("-") >= 3
    backend.unload()


def test_a_device_that_is_not_there_is_told(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is one here")
    backend = KokoroBackend(KokoroOptions(weights=str(checkpoint()), threads=1, device="cuda:0"))
    with pytest.raises(Exception, match="finds no CUDA device"):
        backend.load()
