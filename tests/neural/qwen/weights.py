"""Random weights of the real architecture in the published layout: tiny for tests, the 0.6B's sizes for benchmarks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from syrinx.models.qwen import loading

SERVED = {"device": "cpu", "threads": 1, "max_seconds": 4.0}
"""Options for a server's tests: these weights never end by themselves, and a warm-up has to."""
SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tts_pad>", "<tts_text_bos>", "<tts_text_eod>")
LANGUAGES = (
    *("chinese", "english", "german", "italian", "portuguese", "spanish", "japanese", "korean", "french", "russian"),
    "beijing_dialect",
)
SPEAKERS = ("vivian", "ryan", "dylan")
TINY = 64
"""Size of the tiny codebooks; the published ones have 2048 codes."""


def build(
    folder: Path, *, kind: str = "custom_voice", size: str = "0b6", full: bool = False, ends: bool = False
) -> Path:
    """Write a checkpoint and return its folder. ``ends``: it comes to an end by itself, which takes luck otherwise."""
    from transformers import EncodecFeatureExtractor

    loading.bring_in()
    torch.manual_seed(0)
    tokenizer = _tokenizer(folder)
    config = _config(tokenizer, kind, size, full)
    _write_model(folder, config, full, ends)
    _write_codec(folder / "speech_tokenizer", full)
    EncodecFeatureExtractor(feature_size=1, sampling_rate=24_000, padding_value=0.0).save_pretrained(
        folder / "speech_tokenizer"
    )
    _write_json(folder / "generation_config.json", _generation(full))
    return folder


def _tokenizer(folder: Path) -> Any:
    from qwen_tts.core.models import Qwen3TTSProcessor
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import Qwen2TokenizerFast

    plain = Tokenizer(models.BPE())
    plain.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    plain.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=list(SPECIAL),
        show_progress=False,
    )
    plain.train_from_iterator(["assistant user the quick brown fox jumps over the lazy dog word"] * 4, trainer)
    made = Qwen2TokenizerFast(tokenizer_object=plain, unk_token=None, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    folder.mkdir(parents=True, exist_ok=True)
    Qwen3TTSProcessor(tokenizer=made).save_pretrained(folder)
    return made


def _config(tokenizer: Any, kind: str, size: str, full: bool) -> dict[str, Any]:
    ids = {name: tokenizer.convert_tokens_to_ids(name) for name in SPECIAL}
    speaker = {"enc_dim": 1024 if full else 32, "sample_rate": 24_000}
    if not full:
        speaker |= {"enc_channels": [16, 16, 16, 16, 48], "enc_attention_channels": 8}
        speaker |= {"enc_res2net_scale": 4, "enc_se_channels": 8}
    return {
        "architectures": ["Qwen3TTSForConditionalGeneration"],
        "model_type": "qwen3_tts",
        "tokenizer_type": "qwen3_tts_tokenizer_12hz",
        "tts_model_type": kind,
        "tts_model_size": size,
        "im_start_token_id": ids["<|im_start|>"],
        "im_end_token_id": ids["<|im_end|>"],
        "tts_pad_token_id": ids["<tts_pad>"],
        "tts_bos_token_id": ids["<tts_text_bos>"],
        "tts_eos_token_id": ids["<tts_text_eod>"],
        "speaker_encoder_config": speaker,
        "talker_config": _talker(len(tokenizer), kind, full),
    }


def _talker(words: int, kind: str, full: bool) -> dict[str, Any]:
    codes = 2048 if full else TINY
    width = 1024 if full else 32
    shared = {
        "hidden_size": width,
        "intermediate_size": 3072 if full else 64,
        "num_attention_heads": 16 if full else 2,
        "num_key_value_heads": 8 if full else 1,
        "head_dim": 128 if full else 16,
        "num_code_groups": 16 if full else 4,
        "hidden_act": "silu",
        "max_position_embeddings": 32_768 if full else 4096,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1_000_000,
    }
    marks = ("pad", "bos", "eos_token", "think", "nothink", "think_bos", "think_eos")
    own = kind == "custom_voice"
    return {
        **shared,
        **{f"codec_{name}_id": codes + 100 + at for at, name in enumerate(marks)},
        "vocab_size": codes + 1024,
        "num_hidden_layers": 28 if full else 2,
        "text_hidden_size": 2048 if full else width,
        "text_vocab_size": 151_936 if full else words,
        "rope_scaling": {
            "rope_type": "default",
            "interleaved": True,
            "mrope_section": [24, 20, 20] if full else [4, 2, 2],
        },
        "codec_language_id": {name: codes + 2 + at for at, name in enumerate(LANGUAGES)},
        "spk_id": {name: codes + 1000 + at for at, name in enumerate(SPEAKERS)} if own else {},
        "spk_is_dialect": {n: "beijing_dialect" if n == "dylan" else False for n in SPEAKERS} if own else {},
        "code_predictor_config": {**shared, "vocab_size": codes, "num_hidden_layers": 5 if full else 1},
    }


def _generation(full: bool) -> dict[str, Any]:
    """As published; the tiny ones choose among few, so that what they read decides what they say."""
    few = 50 if full else 5
    talker = {"do_sample": True, "temperature": 0.9, "top_p": 1.0, "top_k": few, "repetition_penalty": 1.05}
    predictor = {"subtalker_dosample": True, "subtalker_temperature": 0.9, "subtalker_top_p": 1.0}
    return {**talker, **predictor, "subtalker_top_k": few, "max_new_tokens": 8192}


def _write_model(folder: Path, config: dict[str, Any], full: bool, ends: bool) -> None:
    from qwen_tts.core.models import Qwen3TTSConfig, Qwen3TTSForConditionalGeneration

    model = Qwen3TTSForConditionalGeneration(Qwen3TTSConfig(**config)).eval()
    if not full:
        _spread(model)
        head = model.talker.codec_head.weight.data
        head *= 2.0
        end = config["talker_config"]["codec_eos_token_id"]
        head[end] = 1.5 * head[1] if ends else 0.0
    _save(model, folder, torch.bfloat16 if full else torch.float32)
    _write_json(folder / "config.json", config)


def _write_codec(folder: Path, full: bool) -> None:
    from qwen_tts.core.tokenizer_12hz.configuration_qwen3_tts_tokenizer_v2 import Qwen3TTSTokenizerV2Config
    from qwen_tts.core.tokenizer_12hz.modeling_qwen3_tts_tokenizer_v2 import Qwen3TTSTokenizerV2Model

    codes = 2048 if full else TINY
    encoder: dict[str, Any] = {"sampling_rate": 24_000, "frame_rate": 12.5, "codebook_size": codes}
    encoder |= {"num_quantizers": 32 if full else 4, "num_semantic_quantizers": 1, "use_cache": False}
    decoder: dict[str, Any] = {"codebook_size": codes, "num_quantizers": 16 if full else 4, "head_dim": 64}
    if full:
        decoder |= {"codebook_dim": 512, "hidden_size": 512, "latent_dim": 1024, "intermediate_size": 1024}
    else:
        heads = {"num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 16}
        small = {**heads, "hidden_size": 32, "intermediate_size": 64}
        encoder |= {**small, "num_filters": 4, "upsample_groups": 32, "codebook_dim": 16}
        encoder |= {"vector_quantization_hidden_dimension": 16}
        decoder |= {
            **small,
            "num_hidden_layers": 2,
            "sliding_window": 20,
            "codebook_dim": 32,
            "latent_dim": 32,
            "decoder_dim": 48,
        }
    config = Qwen3TTSTokenizerV2Config(
        encoder_config=encoder, decoder_config=decoder, encoder_valid_num_quantizers=16 if full else 4
    )
    model = Qwen3TTSTokenizerV2Model(config).eval()
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if name.endswith(("embedding_sum", "embed_sum")):
            tensor.data.normal_()
    if not full:
        _spread(model.decoder, layers=1.0)
        model.decoder.decoder[-1].conv.weight.data *= 0.02  # loud as speech is, and far from what would be clipped
    _save(model, folder, torch.bfloat16 if full else torch.float32)
    said = config.to_dict()
    said.pop("dtype", None)
    _write_json(folder / "config.json", said)


def _spread(model: Any, layers: float | None = None) -> None:
    """Give every layer something to say: unit gain, where the usual beginnings of a training whisper."""
    for name, tensor in model.named_parameters():
        if tensor.dim() > 1 and not name.endswith("embedding_sum"):
            fan_in = 1 if "embedding" in name else tensor[0].numel()
            tensor.data.normal_(0, fan_in**-0.5)
        elif layers is not None and name.endswith("layer_scale.scale"):
            tensor.data.fill_(layers)


def _save(model: Any, folder: Path, dtype: torch.dtype) -> None:
    """Not ``save_pretrained``, which stumbles over the library's list of tied weights."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: tensor.detach().to(dtype if tensor.is_floating_point() else tensor.dtype).contiguous().clone()
        for name, tensor in model.state_dict().items()
    }
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1, default=str), encoding="utf-8")
