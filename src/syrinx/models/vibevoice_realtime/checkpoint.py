"""A published checkpoint on disk: whether it is whole and of this model, and its sizes. Loads nothing.

Layout (that of the repository ``microsoft/VibeVoice-Realtime-0.5B``): ``config.json``, ``preprocessor_config.json`` and
``model.safetensors`` or its parts with an index. The tokenizer is another repository's. What the fields mean is read
from ``configuration_vibevoice_streaming.py`` and ``configuration_vibevoice.py`` of microsoft/VibeVoice (MIT, e73d1e1).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from syrinx.models.vibevoice.files import Files, digest_of

MODEL_TYPE = "vibevoice_streaming"
CONFIG, PREPROCESSOR, TOKENIZER = "config.json", "preprocessor_config.json", "tokenizer.json"
TOKENIZER_REPO = "Qwen/Qwen2.5-0.5B"
"""``language_model_pretrained_name`` in the published ``preprocessor_config.json``."""
FILES = Files("VibeVoice Realtime", "syrinx models install vibevoice-realtime")

AS_BUILT: Mapping[str, Mapping[str, Any]] = {
    "acoustic_tokenizer_config": {
        "causal": True,
        "conv_bias": True,
        "conv_norm": "none",
        "disable_last_norm": True,
        "layernorm": "RMSNorm",
        "mixer_layer": "depthwise_conv",
        "pad_mode": "constant",
    },
    "decoder_config": {"model_type": "qwen2"},
    "diffusion_head_config": {"ddpm_beta_schedule": "cosine", "prediction_type": "v_prediction"},
}
"""What the published configuration says of choices that only one way is built for here; unsaid counts as that."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Of the language model, as far as a voice depends on them."""

    text_layers: int
    """Lower layers, which read text alone."""
    speech_layers: int
    """Upper layers, which read text and speech."""
    hidden: int
    heads: int
    """Of keys and values."""
    head_dim: int
    positions: int
    """Most tokens and frames of one utterance, its voice's among them."""

    def digest(self, config: Mapping[str, Any]) -> str:
        """Of what the language model is: a voice made for another does not fit."""
        decoder = config["decoder_config"]
        told = {name: decoder.get(name) for name in ("intermediate_size", "rms_norm_eps", "rope_theta", "vocab_size")}
        return hashlib.sha256(json.dumps([asdict(self), told], sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One that was found whole."""

    folder: Path
    config: Mapping[str, Any]
    sizes: Sizes
    config_digest: str
    """See ``Sizes.digest``."""
    sample_rate: int
    hop: int
    """Samples of a frame."""
    tokenizer: Path
    parts: tuple[Path, ...]
    """The weight files."""
    digest: str
    """Changes with configuration, tokenizer and weights."""


def read(weights: str) -> Checkpoint:
    """Look at the folder. Raises ``ModelNotReady`` naming the file that is missing or wrong, and the remedy."""
    folder = FILES.folder(weights, (CONFIG, PREPROCESSOR))
    config, sizes = read_config(folder)
    tokenizer = _tokenizer(folder)
    parts = FILES.weight_files(folder)
    rate, hop = _sound(folder, config)
    digest = digest_of([folder / CONFIG, folder / PREPROCESSOR, tokenizer, *parts])
    return Checkpoint(folder, config, sizes, sizes.digest(config), rate, hop, tokenizer, tuple(parts), digest)


def read_config(folder: Path) -> tuple[dict[str, Any], Sizes]:
    """``config.json``, and what of it voices depend on. Raises ``ModelNotReady``."""
    path = folder / CONFIG
    config = FILES.read_object(path)
    if config.get("model_type") != MODEL_TYPE:
        raise FILES.wrong(path, f"its model_type is {config.get('model_type')!r}, not {MODEL_TYPE!r}")
    for part, told in AS_BUILT.items():
        if not isinstance(config.get(part), dict):
            raise FILES.wrong(path, f"it has no {part}")
        for name, value in told.items():
            if config[part].get(name, value) != value:
                raise FILES.wrong(path, f"its {part} has {name} = {config[part][name]!r}; only {value!r} is known")
    try:
        return config, _sizes(config)
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise FILES.wrong(path, f"it does not describe the language model ({error!r})") from None


def _sizes(config: Mapping[str, Any]) -> Sizes:
    decoder = config["decoder_config"]
    layers, upper = int(decoder["num_hidden_layers"]), int(config["tts_backbone_num_hidden_layers"])
    if not 0 < upper < layers:
        raise ValueError(f"{upper} of {layers} layers")
    hidden = int(decoder["hidden_size"])
    head_dim = int(decoder.get("head_dim") or hidden // int(decoder["num_attention_heads"]))
    heads, positions = int(decoder["num_key_value_heads"]), int(decoder["max_position_embeddings"])
    return Sizes(layers - upper, upper, hidden, heads, head_dim, positions)


def _sound(folder: Path, config: Mapping[str, Any]) -> tuple[int, int]:
    """Hertz, and samples of a frame."""
    path = folder / PREPROCESSOR
    said = FILES.read_object(path)
    audio = config["acoustic_tokenizer_config"]
    try:
        rate, hop = int(said["audio_processor"]["sampling_rate"]), int(said["speech_tok_compress_ratio"])
        made = math.prod(audio.get("decoder_ratios") or audio["encoder_ratios"])
    except (KeyError, TypeError, ValueError) as error:
        raise FILES.wrong(path, f"it does not describe the sound ({error!r})") from None
    if hop != made:
        raise FILES.wrong(path, f"it has frames of {hop} samples where config.json makes {made}")
    return rate, hop


def _tokenizer(folder: Path) -> Path:
    """Inside the weights, or beside them, where it is fetched to."""
    org, _, name = TOKENIZER_REPO.partition("/")
    places = (folder / TOKENIZER, folder / name / TOKENIZER, folder.parent.parent / org / name / TOKENIZER)
    for place in places:
        if place.is_file():
            return place
    raise FILES.wrong(places[0], f"it is missing, and so is {places[-1]}: it is that of {TOKENIZER_REPO}")
