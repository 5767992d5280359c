"""S3Gen's flow as it is computed here, against the library's own on the same weights."""

from __future__ import annotations

from typing import Any

import pytest

from .case import loaded_once, options
from .weights import shrink

TOLERANCE = 1e-4
"""Of mel frames relative to their size: sums are added up in another order."""
TOKENS = [(29 * n * n + 5 * n) % 6561 for n in range(23)]


@pytest.mark.parametrize(("variant", "steps"), [("english", 1), ("english", 10), ("turbo", 2)])
def test_it_gives_the_librarys_frames(variant: str, steps: int) -> None:
    import torch

    chosen = options(variant)
    shrink(variant)
    loaded = loaded_once(chosen)
    voice = loaded.default_voice
    prompt, tokens = voice.prompt_feat.shape[1], torch.tensor([TOKENS])
    noise = torch.randn(1, prompt + 2 * len(TOKENS), 80, generator=torch.Generator().manual_seed(3))
    given: dict[str, Any] = {
        "prompt_token": voice.prompt_token,
        "prompt_token_len": torch.tensor([voice.prompt_token.shape[1]]),
        "prompt_feat": voice.prompt_feat,
        "prompt_feat_len": None,
        "embedding": voice.embedding,
    }
    with torch.inference_mode():
        theirs, _ = loaded.s3gen.flow.inference(
            token=tokens,
            token_len=torch.tensor([len(TOKENS)]),
            finalize=True,
            n_timesteps=steps,
            noised_mels=noise.transpose(1, 2),
            meanflow=loaded.s3gen.meanflow,
            **given,
        )
        ours = loaded.flow.mels(tokens, voice, noise, steps)
    assert ours.shape == (1, 2 * len(TOKENS), 80) and theirs.std() > 0.1
    assert (ours.transpose(1, 2) - theirs).abs().max() < TOLERANCE * theirs.abs().max()
