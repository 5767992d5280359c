"""Random weights of VibeVoice Realtime's architecture, in the layout of ``microsoft/VibeVoice-Realtime-0.5B``.

Tensors have the published names and shapes, written down here as upstream's modules name them. Random weights would end
by chance, so the last layer of what says so is all bias: never, or with ``ends=True`` after the first frame.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROMPT_TOKENS, PROMPT_FRAMES = 6, 9
"""Of the voices."""
VOICES = ("de-Spk0_woman", "en-Carter_man", "en-Emma_woman")
SERVED = {"device": "cpu", "threads": 1, "num_diffusion_steps": 2, "max_frames": 40}
"""Options for a server's tests: 40 frames are 5.3 s, and these weights never end by themselves."""
LEVEL = 0.03
"""Gain of the last layer: most of the sound is then within -1 and 1."""
NEVER = -100.0
SIGNS = ("<|endoftext|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>")
RATIOS = [8, 5, 5, 4, 2, 2]
SIZES: dict[bool, dict[str, Any]] = {
    False: {
        "decoder_config": {
            "vocab_size": 264,
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 3,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "max_position_embeddings": 2048,
        },
        "acoustic_tokenizer_config": {"vae_dim": 16, "decoder_n_filters": 2, "encoder_depths": "1-1-1-1-1-1-2"},
        "diffusion_head_config": {"hidden_size": 32, "latent_size": 16, "head_layers": 1, "head_ffn_ratio": 1.5},
        "tts_backbone_num_hidden_layers": 2,
    },
    True: {
        "decoder_config": {  # Qwen2.5-0.5B
            "vocab_size": 151936,
            "hidden_size": 896,
            "intermediate_size": 4864,
            "num_hidden_layers": 24,
            "num_attention_heads": 14,
            "num_key_value_heads": 2,
            "max_position_embeddings": 8192,
        },
        "acoustic_tokenizer_config": {"vae_dim": 64, "decoder_n_filters": 32, "encoder_depths": "3-3-3-3-3-3-8"},
        "diffusion_head_config": {"hidden_size": 896, "latent_size": 64, "head_layers": 4, "head_ffn_ratio": 3.0},
        "tts_backbone_num_hidden_layers": 20,
    },
}


def build(folder: Path, *, full: bool = False, ends: bool = False) -> Path:
    """Write a checkpoint with voices; ``full``: 0.5B in bfloat16. Returns the folder."""
    import torch
    from safetensors.torch import save_file

    config = config_of(full)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR))
    _tokenizer().save(str(folder / "tokenizer.json"))
    generator = torch.Generator().manual_seed(0)
    made: dict[str, Any] = {}
    for name, shape in published(config):
        tensor = _drawn(name, shape, generator)
        made[name] = tensor.to(torch.bfloat16 if full else torch.float32)
    made["tts_eos_classifier.fc2.bias"].fill_(-NEVER if ends else NEVER)
    made["tts_eos_classifier.fc2.weight"].zero_()
    save_file(made, folder / "model.safetensors", {"format": "pt"})
    for seed, name in enumerate(VOICES):
        add_voice(folder, name, voice_of(config, seed))
    return folder


def config_of(full: bool) -> dict[str, Any]:
    """As published, with what a reader of it needs."""
    sizes = SIZES[full]
    return {
        "model_type": "vibevoice_streaming",
        "architectures": ["VibeVoiceStreamingForConditionalGenerationInference"],
        "acoustic_vae_dim": sizes["acoustic_tokenizer_config"]["vae_dim"],
        "acoustic_tokenizer_config": SOUND | sizes["acoustic_tokenizer_config"],
        "decoder_config": LANGUAGE | sizes["decoder_config"],
        "diffusion_head_config": HEAD | sizes["diffusion_head_config"],
        "torch_dtype": "bfloat16",
        "tts_backbone_num_hidden_layers": sizes["tts_backbone_num_hidden_layers"],
    }


SOUND: dict[str, Any] = {
    "model_type": "vibevoice_acoustic_tokenizer",
    "causal": True,
    "channels": 1,
    "conv_bias": True,
    "conv_norm": "none",
    "corpus_normalize": 0.0,
    "decoder_depths": None,
    "decoder_ratios": RATIOS,
    "disable_last_norm": True,
    "encoder_n_filters": 32,
    "encoder_ratios": RATIOS,
    "fix_std": 0.5,
    "layer_scale_init_value": 1e-6,
    "layernorm": "RMSNorm",
    "layernorm_elementwise_affine": True,
    "layernorm_eps": 1e-5,
    "mixer_layer": "depthwise_conv",
    "pad_mode": "constant",
    "std_dist_type": "gaussian",
    "weight_init_value": 0.01,
}
LANGUAGE: dict[str, Any] = {
    "model_type": "qwen2",
    "attention_dropout": 0.0,
    "hidden_act": "silu",
    "initializer_range": 0.02,
    "max_window_layers": 24,
    "rms_norm_eps": 1e-6,
    "rope_scaling": None,
    "rope_theta": 1_000_000.0,
    "sliding_window": None,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
    "use_cache": True,
    "use_sliding_window": False,
}
HEAD: dict[str, Any] = {
    "model_type": "vibevoice_diffusion_head",
    "ddpm_batch_mul": 4,
    "ddpm_beta_schedule": "cosine",
    "ddpm_num_inference_steps": 20,
    "ddpm_num_steps": 1000,
    "diffusion_type": "ddpm",
    "prediction_type": "v_prediction",
    "rms_norm_eps": 1e-5,
    "speech_vae_dim": 64,
}
PREPROCESSOR: dict[str, Any] = {
    "processor_class": "VibeVoiceStreamingProcessor",
    "speech_tok_compress_ratio": 3200,
    "db_normalize": True,
    "language_model_pretrained_name": "Qwen/Qwen2.5-0.5B",
    "audio_processor": {
        "feature_extractor_type": "VibeVoiceTokenizerProcessor",
        "sampling_rate": 24_000,
        "normalize_audio": True,
        "target_dB_FS": -25,
        "eps": 1e-6,
    },
}

Shapes = Iterator[tuple[str, tuple[int, ...]]]


def published(config: dict[str, Any]) -> Shapes:
    """Every tensor of the published file."""
    size, latent = config["decoder_config"]["hidden_size"], config["acoustic_tokenizer_config"]["vae_dim"]
    upper = config["tts_backbone_num_hidden_layers"]
    lower = config["decoder_config"]["num_hidden_layers"] - upper
    for part, layers in (("language_model", lower), ("tts_language_model", upper)):
        yield from _qwen(f"model.{part}", config["decoder_config"], layers)
    yield "model.tts_language_model.norm.weight", (size,)
    yield "model.tts_input_types.weight", (2, size)
    yield from _decoder("model.acoustic_tokenizer.decoder", config["acoustic_tokenizer_config"])
    for name, shape in (("fc1", (size, latent)), ("fc2", (size, size))):
        yield f"model.acoustic_connector.{name}.weight", shape
        yield f"model.acoustic_connector.{name}.bias", (size,)
    yield "model.acoustic_connector.norm.weight", (size,)
    yield from (("model.speech_scaling_factor", ()), ("model.speech_bias_factor", ()))
    yield from _head("model.prediction_head", config["diffusion_head_config"])
    for name, out in (("fc1", size), ("fc2", 1)):
        yield f"tts_eos_classifier.{name}.weight", (out, size)
        yield f"tts_eos_classifier.{name}.bias", (out,)


def _qwen(part: str, config: dict[str, Any], layers: int) -> Shapes:
    size, inner = config["hidden_size"], config["intermediate_size"]
    narrow = size // config["num_attention_heads"] * config["num_key_value_heads"]
    yield f"{part}.embed_tokens.weight", (config["vocab_size"], size)
    for layer in (f"{part}.layers.{index}" for index in range(layers)):
        for name, out in (("q", size), ("k", narrow), ("v", narrow)):
            yield f"{layer}.self_attn.{name}_proj.weight", (out, size)
            yield f"{layer}.self_attn.{name}_proj.bias", (out,)
        yield f"{layer}.self_attn.o_proj.weight", (size, size)
        for name, shape in (("gate", (inner, size)), ("up", (inner, size)), ("down", (size, inner))):
            yield f"{layer}.mlp.{name}_proj.weight", shape
        for name in ("input_layernorm", "post_attention_layernorm"):
            yield f"{layer}.{name}.weight", (size,)


def _decoder(part: str, config: dict[str, Any]) -> Shapes:
    depths = [int(depth) for depth in config["encoder_depths"].split("-")][::-1]
    widths = [config["decoder_n_filters"] * 2**power for power in range(len(depths))][::-1]
    yield from _conv(f"{part}.upsample_layers.0.0.conv.conv", (widths[0], config["vae_dim"], 7), widths[0])
    for index, (wide, narrow, ratio) in enumerate(zip(widths, widths[1:], config["decoder_ratios"], strict=False), 1):
        yield from _conv(f"{part}.upsample_layers.{index}.0.convtr.convtr", (wide, narrow, 2 * ratio), narrow)
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        for block in (f"{part}.stages.{stage}.{index}" for index in range(depth)):
            for name in ("gamma", "ffn_gamma", "norm.weight", "ffn_norm.weight"):
                yield f"{block}.{name}", (width,)
            yield from _conv(f"{block}.mixer.conv.conv.conv", (width, 1, 7), width)
            yield from _conv(f"{block}.ffn.linear1", (4 * width, width), 4 * width)
            yield from _conv(f"{block}.ffn.linear2", (width, 4 * width), width)
    yield from _conv(f"{part}.head.conv.conv", (1, widths[-1], 7), 1)


def _conv(part: str, shape: tuple[int, ...], out: int) -> Shapes:
    yield f"{part}.weight", shape
    yield f"{part}.bias", (out,)


def _head(part: str, config: dict[str, Any]) -> Shapes:
    size, inner = config["hidden_size"], int(config["hidden_size"] * config["head_ffn_ratio"])
    yield f"{part}.noisy_images_proj.weight", (size, config["latent_size"])
    yield f"{part}.cond_proj.weight", (size, size)
    yield f"{part}.t_embedder.mlp.0.weight", (size, 256)
    yield f"{part}.t_embedder.mlp.2.weight", (size, size)
    for layer in (f"{part}.layers.{index}" for index in range(config["head_layers"])):
        yield f"{layer}.norm.weight", (size,)
        yield f"{layer}.adaLN_modulation.1.weight", (3 * size, size)
        for name, shape in (("gate", (inner, size)), ("up", (inner, size)), ("down", (size, inner))):
            yield f"{layer}.ffn.{name}_proj.weight", shape
    yield f"{part}.final_layer.adaLN_modulation.1.weight", (2 * size, size)
    yield f"{part}.final_layer.linear.weight", (config["latent_size"], size)


def _drawn(name: str, shape: tuple[int, ...], generator: Any) -> Any:
    """Every layer has a gain of about one, so that what goes in is heard in what comes out."""
    import torch

    if "gamma" in name:
        return torch.full(shape, 0.3)
    if "norm" in name or name.endswith("scaling_factor"):
        return torch.ones(shape)
    if name.endswith("bias") or name.endswith("bias_factor"):
        return torch.zeros(shape)
    if "embed_tokens" in name or "input_types" in name:
        return torch.randn(shape, generator=generator)
    inputs = shape[0] * 2 if "convtr" in name else math.prod(shape[1:])
    gain = LEVEL if "decoder.head" in name else 1.0
    return torch.randn(shape, generator=generator) * gain * inputs**-0.5


def voice_of(config: dict[str, Any], seed: int) -> dict[str, Any]:
    """The caches of a voice, by upstream's name, then kind: ``keys``, ``values`` (a list of layers) and ``hidden``."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    decoder, upper = config["decoder_config"], config["tts_backbone_num_hidden_layers"]
    size, heads = decoder["hidden_size"], decoder["num_key_value_heads"]
    each = size // decoder["num_attention_heads"]
    lower = decoder["num_hidden_layers"] - upper
    made: dict[str, Any] = {}
    for name, layers, length in (
        ("lm", lower, PROMPT_TOKENS),
        ("tts_lm", upper, PROMPT_TOKENS + PROMPT_FRAMES),
        ("neg_lm", lower, 1),
        ("neg_tts_lm", upper, 1),
    ):
        made[name] = {
            kind: [torch.randn(1, heads, length, each, generator=generator).bfloat16() for _ in range(layers)]
            for kind in ("keys", "values")
        }
        made[name]["hidden"] = torch.randn(1, length, size, generator=generator).bfloat16()
    return made


def tensors_of(voice: dict[str, Any]) -> dict[str, Any]:
    """What a converted voice holds."""
    import torch

    parts = {"text": "lm", "speech": "tts_lm", "against": "neg_tts_lm"}
    made = {
        f"{ours}.{kind}": torch.cat(voice[theirs][kind])
        for ours, theirs in parts.items()
        for kind in ("keys", "values")
    }
    return {**made, "against.hidden": voice["neg_tts_lm"]["hidden"][0, -1].clone()}


def add_voice(folder: Path, name: str, voice: dict[str, Any], **metadata: str) -> Path:
    """Put a converted voice beside a checkpoint; ``metadata``: other than it should have."""
    from safetensors.torch import save_file

    from syrinx.models.vibevoice_realtime.checkpoint import read_config
    from syrinx.models.vibevoice_realtime.voices import metadata_for

    config, sizes = read_config(folder)
    place = folder / "presets" / f"{name}.safetensors"
    place.parent.mkdir(exist_ok=True)
    save_file(tensors_of(voice), place, metadata_for(sizes.digest(config)) | metadata)
    return place


def _tokenizer() -> Any:
    """Bytes and the special tokens: any text can be read."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={sign: at for at, sign in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(SIGNS))
    return tokenizer
