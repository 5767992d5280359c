"""Random weights of the architecture, as they are published: a Llama with audio tokens, its tokenizer, and SNAC inside.

The tiny one is made so that it ends its speech by itself: attention takes the mean over all positions of a mark that
only audio tokens carry, and the token that ends speech grows with it. So an answer has about twice as many tokens as
its prompt. And it knows which slot comes next, so that whole frames come of it without being made to.
``full`` has the published sizes (3.3 billion parameters: for a GPU), and needs ``max_tokens``, for it does not end.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

BYTES = 256
TINY_IDS: dict[str, Any] = {
    "begin_text_id": 256,
    "end_turn_id": 257,
    "custom_base_id": 260,
    "start_speech_id": 261,
    "start_human_id": 263,
    "end_human_id": 264,
    "start_ai_id": 265,
    "audio_base_id": 270,
    "stop_token_ids": [262, 266],
}
"""The published order of ids on a vocabulary of bytes."""
SERVED = {**TINY_IDS, "device": "cpu"}
"""Options to serve the tiny one with."""
LLAMA_3 = 128256
AUDIO = 7 * 4096
OWN = 10
"""Widths of the tiny model that have a meaning."""
ANSWER = 1.8
"""Tokens of an answer for each of its prompt, about."""

TINY_SNAC = {"encoder_dim": 4, "decoder_dim": 64}
SNAC = {
    "sampling_rate": 24000,
    "encoder_dim": 48,
    "encoder_rates": [2, 4, 8, 8],
    "decoder_dim": 1024,
    "decoder_rates": [8, 8, 4, 2],
    "attn_window_size": None,
    "codebook_size": 4096,
    "codebook_dim": 8,
    "vq_strides": [4, 2, 1],
    "noise": True,
    "depthwise": True,
}
"""That of ``hubertsiuzdak/snac_24khz``."""
TINY = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
FULL = {"hidden_size": 3072, "intermediate_size": 8192, "num_hidden_layers": 28, "num_attention_heads": 24}


def build(folder: Path, *, full: bool = False, llama: dict[str, int] | None = None, seed: int = 0) -> Path:
    """Write a checkpoint; ``llama`` gives other sizes than the tiny ones, with the tiny vocabulary."""
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        build_codec(folder / "snac_24khz", full=full or llama is not None)
        _tokenizer(folder, LLAMA_3 if full else TINY_IDS["custom_base_id"])
        _llama(folder, FULL if full else llama or TINY, full)
    return folder


def build_codec(folder: Path, *, full: bool = False) -> Path:
    from snac import SNAC as Model

    folder.mkdir(parents=True, exist_ok=True)
    config = SNAC if full else {**SNAC, **TINY_SNAC}
    (folder / "config.json").write_text(json.dumps(config))
    state = Model(**config).state_dict()
    state["decoder.model.7.parametrizations.weight.original0"] *= 4  # loud enough to be told from silence
    torch.save(state, folder / "pytorch_model.bin")
    return folder


def _tokenizer(folder: Path, custom_base: int) -> None:
    """Bytes, names up to the control tokens, and those; audio tokens are never written by a caller."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: n for n, letter in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fillers = custom_base - BYTES - 4
    tokenizer.add_tokens([f"<|filler_{n}|>" for n in range(fillers)])
    tokenizer.add_special_tokens(["<|begin_of_text|>", "<|eot_id|>", "<|other_0|>", "<|other_1|>"])
    tokenizer.add_special_tokens([f"<custom_token_{n}>" for n in range(10)])
    tokenizer.save(str(folder / "tokenizer.json"))


def _llama(folder: Path, sizes: dict[str, int], full: bool) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM
    from transformers.utils.logging import disable_progress_bar

    base = LLAMA_3 + 10 if full else int(TINY_IDS["audio_base_id"])
    config = LlamaConfig(
        vocab_size=base + AUDIO,
        num_key_value_heads=max(1, sizes["num_attention_heads"] // 3),
        max_position_embeddings=8192,
        rope_theta=500000.0,
        tie_word_embeddings=full,
        **sizes,
    )
    disable_progress_bar()  # whose thread would be taken for one of the model's
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16 if full else torch.float32)
    try:
        model = LlamaForCausalLM(config)
    finally:
        torch.set_default_dtype(before)
    if not full:
        with torch.no_grad():
            _teach_to_end(model, base)
    model.save_pretrained(folder)


def _teach_to_end(model: Any, base: int) -> None:
    """Width 0 marks audio, width 1 gets the mean of that, width 2 is one, widths 3 to 9 tell which slot comes next.

    No other part of the model writes there.
    """
    embedding, head, layers = model.model.embed_tokens.weight, model.lm_head.weight, model.model.layers
    width = embedding.shape[1]
    rest = width - OWN
    embedding[:, OWN:] = torch.nn.functional.normalize(torch.randn(len(embedding), rest)) * rest**0.5
    embedding[:, :OWN] = 0
    embedding[:, 2] = 1
    mark = width**0.5
    embedding[base:, 0] = mark
    embedding[TINY_IDS["start_speech_id"], 3] = 2
    for slot in range(7):
        embedding[base + 4096 * slot : base + 4096 * (slot + 1), 3 + (slot + 1) % 7] = 2
    for layer in layers:
        layer.self_attn.o_proj.weight[:OWN] = 0
        layer.mlp.down_proj.weight[:OWN] = 0
    first = layers[0].self_attn
    first.q_proj.weight.zero_()
    first.k_proj.weight.zero_()
    first.v_proj.weight.normal_(0, 0.7)
    first.v_proj.weight[0] = 0
    first.v_proj.weight[0, 0] = 1
    first.o_proj.weight[OWN:].normal_(0, 0.7)
    first.o_proj.weight[1, 0] = 1
    head.normal_(0, 2 / width**0.5)
    head[:, :OWN] = 0
    head[:base, 2] = -100
    for slot in range(7):
        head[base + 4096 * slot : base + 4096 * (slot + 1), 3 + slot] = 20
    share = ANSWER / (1 + ANSWER)
    seen = mark / ((rest + mark**2 + 5) / width) ** 0.5  # what the norm before attention leaves of the mark
    stop = TINY_IDS["stop_token_ids"][0]
    head[stop] = 0
    head[stop, 1], head[stop, 2] = 600.0, -600.0 * share * seen
