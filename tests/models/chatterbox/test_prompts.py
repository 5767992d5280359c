"""What a voice prompt must hold to be used."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from syrinx.models.chatterbox.conditionals import VoiceShape, check, paired

SHAPE = VoiceShape(150)


def tensors() -> dict[str, NDArray[np.generic]]:
    return {
        "speaker": np.zeros((1, 256), np.float32),
        "style_token": np.zeros((1, 75), np.int64),
        "prompt_token": np.zeros((1, 40), np.int64),
        "prompt_feat": np.zeros((1, 80, 80), np.float32),
        "embedding": np.zeros((1, 192), np.float32),
    }


def test_a_whole_one_passes() -> None:
    check(tensors(), SHAPE)


@pytest.mark.parametrize(
    ("name", "spoiled"),
    [
        ("speaker", np.zeros((1, 128), np.float32)),
        ("speaker", np.zeros((1, 256), np.float64)),
        ("speaker", np.full((1, 256), np.nan, np.float32)),
        ("style_token", np.zeros((1, 151), np.int64)),
        ("style_token", np.zeros((1, 0), np.int64)),
        ("prompt_token", np.full((1, 40), 6561, np.int64)),
        ("prompt_token", np.full((1, 40), -1, np.int64)),
        ("prompt_feat", np.zeros((1, 79, 80), np.float32)),
        ("embedding", np.zeros(192, np.float32)),
    ],
)
def test_a_tensor_of_wrong_shape_type_or_values_is_named(name: str, spoiled: NDArray[np.generic]) -> None:
    with pytest.raises(ValueError, match=name):
        check({**tensors(), name: spoiled}, SHAPE)


def test_a_missing_tensor_is_named() -> None:
    lacking = tensors()
    del lacking["embedding"]
    with pytest.raises(ValueError, match="embedding"):
        check(lacking, SHAPE)


def test_tokens_and_frames_are_cut_to_pairs() -> None:
    made = paired({**tensors(), "prompt_feat": np.zeros((1, 75, 80), np.float32)})
    assert made["prompt_token"].shape == (1, 37) and made["prompt_feat"].shape == (1, 74, 80)
