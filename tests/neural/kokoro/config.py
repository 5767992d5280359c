"""The published configuration of Kokoro-82M (``config.json`` of hexgrad/Kokoro-82M, also in the kokoro-onnx wheel)."""

from __future__ import annotations

from typing import Any

VOCAB = {
    **{c: n for n, c in enumerate(';:,.!?', 1)},
    **{c: n for n, c in enumerate('—…"()“” \u0303ʣʥʦʨᵝꭧAI', 9)},
    "O": 31, "Q": 33, "S": 35, "T": 36, "W": 39, "Y": 41, "ᵊ": 42,
    **{c: n for n, c in enumerate("abcdef", 43)},
    **{c: n for n, c in enumerate("hijklmnopqrstuvwxyzɑɐɒæ", 50)},
    "β": 75, "ɔ": 76, "ɕ": 77, "ç": 78, "ɖ": 80, "ð": 81, "ʤ": 82, "ə": 83, "ɚ": 85, "ɛ": 86, "ɜ": 87, "ɟ": 90,
    "ɡ": 92, "ɥ": 99, "ɨ": 101, "ɪ": 102, "ʝ": 103, "ɯ": 110, "ɰ": 111, "ŋ": 112, "ɳ": 113, "ɲ": 114, "ɴ": 115,
    "ø": 116, "ɸ": 118, "θ": 119, "œ": 120, "ɹ": 123, "ɾ": 125, "ɻ": 126, "ʁ": 128, "ɽ": 129, "ʂ": 130, "ʃ": 131,
    "ʈ": 132, "ʧ": 133, "ʊ": 135, "ʋ": 136, "ʌ": 138, "ɣ": 139, "ɤ": 140, "χ": 142, "ʎ": 143, "ʒ": 147, "ʔ": 148,
    "ˈ": 156, "ˌ": 157, "ː": 158, "ʰ": 162, "ʲ": 164, "↓": 169, "→": 171, "↗": 172, "↘": 173, "ᵻ": 177,
}  # fmt: skip
"""Phonemes to token ids; 0 is the silence at both ends."""

CONFIG: dict[str, Any] = {
    "istftnet": {
        "upsample_kernel_sizes": [20, 12],
        "upsample_rates": [10, 6],
        "gen_istft_hop_size": 5,
        "gen_istft_n_fft": 20,
        "resblock_dilation_sizes": [[1, 3, 5], [1, 3, 5], [1, 3, 5]],
        "resblock_kernel_sizes": [3, 7, 11],
        "upsample_initial_channel": 512,
    },
    "dim_in": 64,
    "dropout": 0.2,
    "hidden_dim": 512,
    "max_conv_dim": 512,
    "max_dur": 50,
    "multispeaker": True,
    "n_layer": 3,
    "n_mels": 80,
    "n_token": 178,
    "style_dim": 128,
    "text_encoder_kernel_size": 5,
    "plbert": {
        "hidden_size": 768,
        "num_attention_heads": 12,
        "intermediate_size": 2048,
        "max_position_embeddings": 512,
        "num_hidden_layers": 12,
        "dropout": 0.1,
    },
    "vocab": VOCAB,
}


def tiny() -> dict[str, Any]:
    """The smallest that the library builds: its other sizes are fixed in its code."""
    decoder = {**CONFIG["istftnet"], "resblock_kernel_sizes": [3], "resblock_dilation_sizes": [[1, 1, 1]]}
    bert = {**CONFIG["plbert"], "hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64}
    return {**CONFIG, "n_layer": 1, "istftnet": decoder, "plbert": {**bert, "num_hidden_layers": 1}}
