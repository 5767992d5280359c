"""What the published tensors are called here. Pure.

Theirs are those of microsoft/VibeVoice (MIT, e73d1e1: ``modeling_vibevoice_streaming.py``,
``modular_vibevoice_tokenizer.py``, ``modular_vibevoice_diffusion_head.py``); ours are those of transformers' classes.
"""

from __future__ import annotations

import re

UNUSED = ("model.acoustic_tokenizer.encoder.", "model.tts_language_model.embed_tokens.")
"""The encoder, where it is published at all, and embeddings that the upper layers have no use for."""

_DECODER = r"model\.acoustic_tokenizer\.decoder\."
_RULES: tuple[tuple[str, str], ...] = (
    (_DECODER + r"upsample_layers\.0\.0\.conv\.conv\.(\w+)", r"decoder.stem.conv.conv.\1"),
    (_DECODER + r"upsample_layers\.(\d+)\.0\.convtr\.convtr\.(\w+)", r"decoder.conv_layers.<\1>.convtr.convtr.\2"),
    (_DECODER + r"stages\.0\.(.+)", r"decoder.stem.stage.\1"),
    (_DECODER + r"stages\.(\d+)\.(.+)", r"decoder.conv_layers.<\1>.stage.\2"),
    (_DECODER + r"head\.conv\.conv\.(\w+)", r"decoder.head.conv.\1"),
    (r"model\.prediction_head\.t_embedder\.mlp\.0\.(\w+)", r"head.timestep_proj.fc1.\1"),
    (r"model\.prediction_head\.t_embedder\.mlp\.2\.(\w+)", r"head.timestep_proj.fc2.\1"),
    (r"model\.prediction_head\.layers\.(\d+)\.adaLN_modulation\.1\.(\w+)", r"head.layers.\1.linear.\2"),
    (r"model\.prediction_head\.final_layer\.adaLN_modulation\.1\.(\w+)", r"head.final_layer.linear_1.\1"),
    (r"model\.prediction_head\.final_layer\.linear\.(\w+)", r"head.final_layer.linear_2.\1"),
    (r"model\.prediction_head\.(.+)", r"head.\1"),
    (r"model\.acoustic_connector\.fc([12])\.(\w+)", r"connector.linear_\1.\2"),
    (r"model\.acoustic_connector\.norm\.(\w+)", r"connector.act.\1"),
    (r"model\.speech_(scaling|bias)_factor", r"factors.\1"),
    (r"model\.((?:tts_)?language_model|tts_input_types)\.(.+)", r"\1.\2"),
    (r"tts_eos_classifier\.(.+)", r"ends.\1"),
)


def renamed(name: str) -> str | None:
    """Our name of a published tensor; None: it is not one of this model's."""
    for pattern, ours in _RULES:
        match = re.fullmatch(pattern, name)
        if match is not None:
            made = re.sub(r"<(\d+)>", lambda found: str(int(found[1]) - 1), match.expand(ours))
            return made.replace("mixer.conv.conv.conv.", "mixer.conv.")
    return None
