"""Random weights of VibeVoice's architecture, in the layout of ``vibevoice/VibeVoice-1.5B-hf``.

Random weights say "end" by chance, so one direction of the residual stream is kept for saying "one more frame": every
embedding carries it, no layer writes to it, and the row of the audio token alone reads it. ``ends=True`` gives it to
the row of the end instead.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

TEMPLATE = (
    " Say what the speakers say.\n"
    "{% for message in messages %}{% for part in message['content'] if part['type'] == 'audio' %}"
    " Voice input:\n Speaker {{ message['role'] }}:<|vision_start|><|vision_pad|><|vision_end|>\n"
    "{% endfor %}{% endfor %} Text input:\n"
    "{% for message in messages %}{% for part in message['content'] if part['type'] == 'text' %}"
    " Speaker {{ message['role'] }}: {{ part['text'] }}\n"
    "{% endfor %}{% endfor %} Speech output:\n<|vision_start|>"
)
"""The published one has these parts in this order."""
SIGNS = ("<|endoftext|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>")
DIRECTION = 0
"""Index in the residual stream."""
SERVED = {"device": "cpu", "threads": 1, "num_diffusion_steps": 2, "max_frames": 40}
"""Options for a server's tests: 40 frames are 5.3 s, and these weights never end by themselves."""
LEVEL = 0.03
"""Gain of the last layer: most of the sound is then within -1 and 1."""
SIZES: dict[bool, dict[str, Any]] = {
    False: {
        "text_config": {
            "vocab_size": 264,
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "max_position_embeddings": 4096,
        },
        "audio_config": {"hidden_size": 16, "num_filters": 2, "depths": [1, 1, 1, 1, 1, 1, 1]},
        "semantic_model_config": {"hidden_size": 16, "num_filters": 2, "depths": [1, 1, 1, 1, 1, 1, 1]},
        "diffusion_head_config": {"num_hidden_layers": 1, "intermediate_size": 48, "frequency_embedding_size": 16},
    },
    True: {
        "text_config": {  # Qwen2.5-1.5B
            "vocab_size": 151936,
            "hidden_size": 1536,
            "intermediate_size": 8960,
            "num_hidden_layers": 28,
            "num_attention_heads": 12,
            "num_key_value_heads": 2,
            "max_position_embeddings": 65536,
            "tie_word_embeddings": True,
        },
        "audio_config": {},
        "semantic_model_config": {"hidden_size": 128},
        "diffusion_head_config": {},
    },
}


def build(folder: Path, *, full: bool = False, ends: bool = False) -> Path:
    """Write a checkpoint; ``full``: 1.5B in bfloat16. Returns the folder."""
    import torch
    from transformers import VibeVoiceConfig, VibeVoiceForConditionalGeneration
    from transformers.utils import logging

    logging.disable_progress_bar()
    tokenizer = _tokenizer()
    end, begins, stops, audio = (tokenizer.convert_tokens_to_ids(sign) for sign in SIGNS)
    sizes = {name: dict(values) for name, values in SIZES[full].items()}
    sizes["text_config"]["model_type"] = "qwen2"
    sizes["audio_config"]["model_type"] = "vibevoice_acoustic_tokenizer"
    sizes["semantic_model_config"]["model_type"] = "vibevoice_acoustic_tokenizer_encoder"
    config = VibeVoiceConfig(
        **sizes,
        pad_token_id=end,
        eos_token_id=end,
        audio_bos_token_id=begins,
        audio_eos_token_id=stops,
        audio_token_id=audio,
    )
    before = torch.random.get_rng_state()
    torch.manual_seed(0)
    try:
        model: Any = VibeVoiceForConditionalGeneration(config).eval()
        with torch.no_grad():
            _shape(model, end if ends else audio)
    finally:
        torch.random.set_rng_state(before)
    model.to(torch.bfloat16 if full else torch.float32).save_pretrained(folder)
    _processor(tokenizer).save_pretrained(folder)
    return folder


def _shape(model: Any, favoured: int) -> None:
    """Keep a direction for the favoured token, and bring what comes out to the level of speech."""
    inner = model.model
    for module in inner.modules():
        _liven(module)
    inner.audio_tower.decoder.head.conv.weight.mul_(LEVEL)
    inner.language_model.embed_tokens.weight[:, DIRECTION] = 1.0
    for layer in inner.language_model.layers:
        layer.self_attn.o_proj.weight[DIRECTION] = 0.0
        layer.mlp.down_proj.weight[DIRECTION] = 0.0
    for connector in (inner.multi_modal_projector, inner.semantic_connector):
        connector.linear_2.weight[DIRECTION] = 0.0
        connector.linear_2.bias[DIRECTION] = 1.0
    tied = model.lm_head.weight is inner.language_model.embed_tokens.weight
    model.lm_head.weight[:, DIRECTION] = 1.0 if tied else 0.1  # what all have in common favours none
    model.lm_head.weight[favoured, DIRECTION] = 100.0 if tied else 10.0  # behind many layers little of it is left


def _liven(module: Any) -> None:
    """The library's first weights are so small that no input is heard in the output: give each layer a gain of one."""
    from torch.nn import Conv1d, ConvTranspose1d, Linear

    if isinstance(module, Linear):
        module.weight.normal_(0, module.in_features**-0.5)
    elif isinstance(module, Conv1d | ConvTranspose1d):
        inputs = module.in_channels // module.groups * module.kernel_size[0]
        strides = module.stride[0] if isinstance(module, ConvTranspose1d) else 1
        module.weight.normal_(0, (inputs / strides) ** -0.5)
    for name in ("gamma", "ffn_gamma"):
        if hasattr(module, name):
            getattr(module, name).fill_(0.3)


def _tokenizer() -> Any:
    """Bytes and the special tokens: any text can be read."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import Qwen2TokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={sign: at for at, sign in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(SIGNS))
    return Qwen2TokenizerFast(
        tokenizer_object=tokenizer, eos_token=SIGNS[0], pad_token=SIGNS[0], extra_special_tokens=list(SIGNS[1:])
    )


def _processor(tokenizer: Any) -> Any:
    from transformers import VibeVoiceAcousticTokenizerFeatureExtractor, VibeVoiceProcessor

    return VibeVoiceProcessor(VibeVoiceAcousticTokenizerFeatureExtractor(), tokenizer, chat_template=TEMPLATE)
