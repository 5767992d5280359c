"""Random weights of Whisper's architecture as CTranslate2 has them, with its whole vocabulary, made without torch.

The layout of tokens is OpenAI's (whisper/tokenizer.py): text, end of text, start, 99 languages, tasks, time stamps. The
text tokens beyond single bytes are made up.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

TEXT_TOKENS = 50_257
STAMPS = 1501
SURE, END = 10, 3.5
"""How far apart its tokens are, and how near to all others the end of text is: it is sure, and soon done."""
MELS, FRAMES, POSITIONS = 80, 1500, 448


def build(folder: Path, *, full: bool = False) -> Path:
    """Write a checkpoint as published ones are (``model.bin``, ``config.json``, ``tokenizer.json``, its vocabulary);
    ``full``: of the size of base."""
    from ctranslate2.specs.whisper_spec import WhisperSpec

    size, heads, layers = (512, 8, 6) if full else (16, 2, 1)
    folder.mkdir(parents=True, exist_ok=True)
    tokens = vocabulary()
    spec = WhisperSpec(layers, heads, layers, heads)
    _fill(spec, size, len(tokens), np.random.default_rng(7))
    spec.register_vocabulary(tokens)
    spec.config.suppress_ids = [tokens.index(token) for token in ("<|startoftranscript|>", "<|nospeech|>")]
    spec.config.suppress_ids_begin = [tokens.index("<|endoftext|>")]
    spec.config.lang_ids = [n for n, token in enumerate(tokens) if len(token) in (6, 7) and token.startswith("<|")]
    spec.validate()
    spec.optimize(quantization="float32")
    spec.save(str(folder))
    _tokenizer(tokens, folder / "tokenizer.json")
    return folder


def vocabulary() -> list[str]:
    """Every token in its place."""
    from faster_whisper.tokenizer import _LANGUAGE_CODES
    from tokenizers.pre_tokenizers import ByteLevel

    bytes_ = sorted(ByteLevel.alphabet())
    words = [f"Ġword{n}" for n in range(TEXT_TOKENS - len(bytes_))]
    languages = [f"<|{code}|>" for code in _LANGUAGE_CODES[:99]]
    tasks = ["translate", "transcribe", "startoflm", "startofprev", "nospeech", "notimestamps"]
    stamps = [f"<|{n * 0.02:.2f}|>" for n in range(STAMPS)]
    special = ["<|endoftext|>", "<|startoftranscript|>", *languages, *(f"<|{task}|>" for task in tasks), *stamps]
    return [*bytes_, *words, *special]


def _tokenizer(tokens: list[str], path: Path) -> None:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    made = Tokenizer(models.BPE(vocab={token: n for n, token in enumerate(tokens[:TEXT_TOKENS])}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(token, special=True) for token in tokens[TEXT_TOKENS:]])
    made.save(str(path))
    assert json.loads(path.read_text())["added_tokens"][0]["id"] == TEXT_TOKENS


def _fill(spec: Any, size: int, tokens: int, random: np.random.Generator) -> None:
    def some(*shape: int) -> np.ndarray:
        return (random.standard_normal(shape) * 0.2).astype(np.float32)

    def linear(layer: Any, wide: int, narrow: int) -> None:
        layer.weight, layer.bias = some(wide, narrow), some(wide)

    def norm(layer: Any) -> None:
        layer.gamma, layer.beta = np.ones(size, np.float32), np.zeros(size, np.float32)

    def attention(layer: Any, *wide: int) -> None:
        norm(layer.layer_norm)
        for part, outputs in zip(layer.linear, wide, strict=True):
            linear(part, outputs, size)

    encoder, decoder = spec.encoder, spec.decoder
    for conv, inputs in ((encoder.conv1, MELS), (encoder.conv2, size)):
        conv.weight, conv.bias = some(size, inputs, 3), some(size)
    encoder.position_encodings.encodings = some(FRAMES, size)
    decoder.position_encodings.encodings = some(POSITIONS, size)
    decoder.embeddings.weight = some(tokens, size)
    linear(decoder.projection, tokens, size)
    decoder.projection.weight *= SURE * 4 / np.sqrt(size)
    decoder.projection.bias[TEXT_TOKENS] = SURE * END
    for layer in [*encoder.layer, *decoder.layer]:
        attention(layer.self_attention, 3 * size, size)
        norm(layer.ffn.layer_norm)
        linear(layer.ffn.linear_0, 4 * size, size)
        linear(layer.ffn.linear_1, size, 4 * size)
    for layer in decoder.layer:
        attention(layer.attention, size, 2 * size, size)
    norm(encoder.layer_norm)
    norm(decoder.layer_norm)
