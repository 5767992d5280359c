"""The codec: what is streamed is what one decoding of everything gives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from syrinx.core.errors import ModelNotReady
from syrinx.models.orpheus.checkpoint import Remedy, find_codec, load_codec
from syrinx.models.orpheus.codec import Codec
from syrinx.models.orpheus.frames import SAMPLES_PER_FRAME, SLOTS, levels_of, tokens_of
from syrinx.models.orpheus.noise import noise_of
from syrinx.models.orpheus.speech import Piece, Speech
from syrinx.models.orpheus.windows import WindowPolicy

from .case import tiny
from .weights import SNAC, build_codec

REMEDY = Remedy("orpheus")
EXACT, NEARLY = 2e-6, 2e-3
"""Largest difference of a sample, of peaks near 1: with 3 frames of look-ahead, and with 2 (the first chunk)."""


@pytest.fixture(scope="module")
def codec() -> Codec:
    torch.set_num_threads(1)
    return load_codec(tiny() / "snac_24khz", torch.device("cpu"), REMEDY)


def frames_of(count: int, seed: int = 0) -> list[tuple[int, ...]]:
    codes = np.random.default_rng(seed).integers(0, 4096, (count, SLOTS))
    return [tuple(int(code) for code in frame) for frame in codes]


def whole(codec: Codec, frames: list[tuple[int, ...]], seed: int = 5) -> np.ndarray:
    return codec.decode([Piece(tuple(frames), 0, 0, len(frames), seed)])[0]


def streamed(codec: Codec, frames: list[tuple[int, ...]], policy: WindowPolicy, at_once: int) -> list[np.ndarray]:
    ids, speech, chunks = tuple(tokens_of(frames, 0)), Speech(0, policy, 5), []
    while not speech.finished:
        speech.feed(ids[:at_once], ended=len(ids) <= at_once)
        ids = ids[at_once:]
        while (piece := speech.due()) is not None:
            chunks += codec.decode([piece])
    return chunks


@pytest.mark.parametrize("at_once", [7, 10, 1000])
@pytest.mark.parametrize("policy", [WindowPolicy(first_ahead=3), WindowPolicy(first=2, first_ahead=3, hop=7)])
def test_4_10_streamed_is_one_shot_at_every_edge(codec: Codec, policy: WindowPolicy, at_once: int) -> None:
    frames = frames_of(29)
    chunks = streamed(codec, frames, policy, at_once)
    assert len(chunks) > 4 and all(len(chunk) % SAMPLES_PER_FRAME == 0 and len(chunk) for chunk in chunks)
    np.testing.assert_allclose(np.concatenate(chunks), whole(codec, frames), atol=EXACT, rtol=0)


def test_the_first_chunk_is_nearly_exact_and_what_follows_is(codec: Codec) -> None:
    frames = frames_of(20)
    got, wanted = np.concatenate(streamed(codec, frames, WindowPolicy(), 7)), whole(codec, frames)
    np.testing.assert_allclose(got, wanted, atol=NEARLY, rtol=0)
    np.testing.assert_allclose(got[SAMPLES_PER_FRAME:], wanted[SAMPLES_PER_FRAME:], atol=EXACT, rtol=0)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_4_10_a_few_frames_sound_to_the_last_sample(codec: Codec, count: int) -> None:
    chunks = streamed(codec, frames_of(count), WindowPolicy(), 7)
    assert sum(map(len, chunks)) == count * SAMPLES_PER_FRAME
    assert all(np.abs(chunk).max() > 0 for chunk in chunks)


def test_4_09_the_first_and_the_last_code_sound_at_every_slot(codec: Codec) -> None:
    middle = [(2000,) * SLOTS] * 7
    base = whole(codec, middle)
    for slot in range(SLOTS):
        for code in (0, 4095):
            frame = tuple(code if n == slot else 2000 for n in range(SLOTS))
            assert not np.array_equal(whole(codec, [*middle[:3], frame, *middle[4:]]), base)


def test_noise_depends_on_the_seed_and_the_place_of_a_frame_and_on_nothing_else(codec: Codec) -> None:
    sizes = [32, 256, 1024, 2048]
    assert codec._sizes == sizes
    long, part = noise_of(9, 0, 6, sizes), noise_of(9, 2, 3, sizes)
    for size, one, other in zip(sizes, long, part, strict=True):
        assert np.array_equal(one[2 * size : 5 * size], other)
    assert not np.array_equal(long[0], noise_of(10, 0, 6, sizes)[0])
    frames = frames_of(8)
    assert np.array_equal(whole(codec, frames, 1), whole(codec, frames, 1))
    assert not np.array_equal(whole(codec, frames, 1), whole(codec, frames, 2))


def test_pieces_together_are_each_alone(codec: Codec) -> None:
    pieces = [Piece(tuple(frames_of(5, n)), n, 1, 3, n) for n in range(3)]
    alone = [codec.decode([piece])[0] for piece in pieces]
    for one, other in zip(alone, codec._decode(pieces), strict=True):
        np.testing.assert_allclose(one, other, atol=EXACT, rtol=0)


def test_our_decoder_is_the_librarys_but_for_its_noise(codec: Codec, monkeypatch: pytest.MonkeyPatch) -> None:
    from snac import SNAC as Model
    from snac.layers import NoiseBlock

    theirs: Any = Model.from_pretrained(str(tiny() / "snac_24khz"))
    for model in (theirs, codec._model):
        for module in model.modules():
            if isinstance(module, NoiseBlock):
                monkeypatch.setattr(module, "forward", lambda sound: sound)
    frames = frames_of(6)
    codes = [torch.from_numpy(level)[None] for level in levels_of(frames)]
    with torch.inference_mode():
        wanted = theirs.decode(codes)[0, 0].numpy()
    np.testing.assert_allclose(whole(codec, frames), wanted, atol=EXACT, rtol=0)


# --- the codec's files ---------------------------------------------------------------------------------------------


def load(folder: Path) -> Codec:
    return load_codec(folder, torch.device("cpu"), REMEDY)


def test_the_codec_is_found_by_name_inside_the_weights_and_beside_them(tmp_path: Path) -> None:
    weights = tmp_path / "canopylabs" / "orpheus"
    beside = tmp_path / "hubertsiuzdak" / "snac_24khz"
    for folder in (weights, beside):
        folder.mkdir(parents=True)
    with pytest.raises(ModelNotReady, match="hubertsiuzdak/snac_24khz: syrinx models install orpheus"):
        find_codec("", weights, REMEDY)
    (beside / "pytorch_model.bin").touch()
    assert find_codec("", weights, REMEDY) == beside
    assert find_codec(str(beside), tmp_path, REMEDY) == beside
    with pytest.raises(ModelNotReady, match=r"nowhere.pytorch_model\.bin is not there"):
        find_codec(str(tmp_path / "nowhere"), weights, REMEDY)


@pytest.mark.parametrize("spoiled", ["truncated", "junk", "another shape", "config", "no config", "another codec"])
def test_a_codec_that_cannot_be_loaded_is_told_by_file(tmp_path: Path, spoiled: str) -> None:
    folder = build_codec(tmp_path / "snac")
    weights, config = folder / "pytorch_model.bin", folder / "config.json"
    said = json.loads(config.read_text())
    if spoiled == "truncated":
        weights.write_bytes(weights.read_bytes()[:5000])
    elif spoiled == "junk":
        weights.write_bytes(b"junk" * 100)
    elif spoiled == "another shape":
        config.write_text(json.dumps({**said, "decoder_dim": 32}))
    elif spoiled == "config":
        config.write_text("{")
    elif spoiled == "no config":
        config.unlink()
    else:
        config.write_text(json.dumps({**SNAC, "sampling_rate": 44100}))
    with pytest.raises(ModelNotReady, match=r"(pytorch_model\.bin|config\.json).*syrinx models install orpheus"):
        load(folder)


def test_a_pickle_that_would_run_code_is_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "ran",))

    folder = build_codec(tmp_path / "snac")
    torch.save({"x": Trap()}, folder / "pytorch_model.bin")
    with pytest.raises(ModelNotReady):
        load(folder)
    assert not (tmp_path / "ran").exists()
