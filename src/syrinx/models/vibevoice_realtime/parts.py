"""The modules of the model and their weights: transformers' classes, filled from the published file.

The published package (microsoft/VibeVoice) wants a transformers of its own; its layers are those that the library has
for VibeVoice 1.5B, and two Qwen2 models of which one lacks its last norm.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from syrinx.models.vibevoice.kinds import Device, Dtype, Tensor

from .checkpoint import CONFIG, FILES, Checkpoint
from .names import UNUSED, renamed

Modules = Any
"""``torch.nn.ModuleDict``."""


def load(found: Checkpoint, device: Device, dtype: Dtype, attention: str) -> Modules:
    """Bring it into memory; modules by the first part of the names in ``names.renamed``.

    Raises ``ModelNotReady`` naming the file for weights that do not fit the configuration.
    """
    try:
        with torch.device("meta"):  # nothing is drawn that would be replaced at once
            modules = _modules(found.config, attention)
    except ImportError:
        raise  # of the environment, not of the checkpoint
    except Exception as error:  # the library raises anything for a bad configuration
        reason = " ".join(str(error).split())[:300]
        raise FILES.wrong(found.folder / CONFIG, f"the library refuses it: {reason}") from error
    wanted = {name: tensor.shape for name, tensor in modules.state_dict().items()}
    state: dict[str, Tensor] = {}
    for path in found.parts:
        state.update(_read(path, wanted, dtype))
    if lost := sorted(set(wanted) - set(state)):
        raise FILES.wrong(found.parts[-1], f"it lacks what is called {lost[0]} here (and {len(lost) - 1} more)")
    modules.load_state_dict(state, assign=True)
    _compute(modules)
    return modules.to(device).eval().requires_grad_(False)


def _modules(config: Mapping[str, Any], attention: str) -> Modules:
    from transformers import Qwen2Model
    from transformers.models.vibevoice.modeling_vibevoice import VibeVoiceDiffusionHead, VibeVoiceMultiModalProjector
    from transformers.models.vibevoice_acoustic_tokenizer import modeling_vibevoice_acoustic_tokenizer as acoustic

    upper = int(config["tts_backbone_num_hidden_layers"])
    lower = int(config["decoder_config"]["num_hidden_layers"]) - upper
    size = int(config["decoder_config"]["hidden_size"])
    text, speech = (
        Qwen2Model._from_config(_qwen(config, layers), attn_implementation=attention)  # pyright: ignore[reportPrivateUsage]
        for layers in (lower, upper)
    )
    text.norm, speech.embed_tokens = nn.Identity(), nn.Identity()
    sound = _sound(config)
    made: dict[str, Any] = {
        "language_model": text,
        "tts_language_model": speech,
        "tts_input_types": nn.Embedding(2, size),
        "decoder": acoustic.VibeVoiceAcousticTokenizerDecoderModel(sound),
        "connector": VibeVoiceMultiModalProjector(sound.hidden_size, size),
        "head": VibeVoiceDiffusionHead(_head(config)),
        "ends": nn.ModuleDict({"fc1": nn.Linear(size, size), "fc2": nn.Linear(size, 1)}),
        "factors": nn.ParameterDict({"scaling": torch.ones(()), "bias": torch.zeros(())}),
    }
    return nn.ModuleDict(made)


def _read(path: Path, wanted: Mapping[str, Any], dtype: Dtype) -> dict[str, Tensor]:
    """A file's tensors by our names."""
    from safetensors import SafetensorError, safe_open

    read: dict[str, Tensor] = {}
    try:
        with safe_open(str(path), framework="pt") as file:
            for name in file.keys():
                if name.startswith(UNUSED):
                    continue
                ours = renamed(name)
                if ours is None or ours not in wanted:
                    raise FILES.wrong(path, f"it has {name}, which config.json does not have")
                tensor = file.get_tensor(name)
                if tensor.shape != wanted[ours]:
                    raise FILES.wrong(path, f"{name} is {list(tensor.shape)}; config.json says {list(wanted[ours])}")
                read[ours] = tensor.to(dtype)
    except (SafetensorError, OSError, ValueError) as error:
        raise FILES.wrong(path, f"it cannot be read ({str(error)[:100]})") from None
    return read


def _compute(modules: Modules) -> None:
    """What is computed and not kept: it was made on no device."""
    for model in (modules["language_model"], modules["tts_language_model"]):
        model.rotary_emb = type(model.rotary_emb)(config=model.config)
    told = modules["head"].timestep_embedding
    modules["head"].timestep_embedding = type(told)(told.config)


def _qwen(config: Mapping[str, Any], layers: int) -> Any:
    from transformers import Qwen2Config

    left_out = ("torch_dtype", "layer_types", "max_window_layers", "num_hidden_layers", "model_type")
    said = {name: value for name, value in config["decoder_config"].items() if name not in left_out}
    return Qwen2Config(**said, num_hidden_layers=layers)


def _sound(config: Mapping[str, Any]) -> Any:
    from transformers.models.vibevoice_acoustic_tokenizer.configuration_vibevoice_acoustic_tokenizer import (
        VibeVoiceAcousticTokenizerDecoderConfig,
    )

    said = config["acoustic_tokenizer_config"]
    depths = _numbers(said.get("decoder_depths")) or _numbers(said["encoder_depths"])[::-1]
    return VibeVoiceAcousticTokenizerDecoderConfig(
        channels=said.get("channels", 1),
        hidden_size=said["vae_dim"],
        num_filters=said["decoder_n_filters"],
        downsampling_ratios=list(said.get("decoder_ratios") or said["encoder_ratios"])[::-1],
        depths=depths,
        rms_norm_eps=said.get("layernorm_eps", 1e-5),
    )


def _numbers(said: str | list[int] | None) -> list[int]:
    """``"3-3-8"`` is how upstream writes depths."""
    return [int(one) for one in said.split("-")] if isinstance(said, str) else list(said or ())


def _head(config: Mapping[str, Any]) -> Any:
    from transformers.models.vibevoice.configuration_vibevoice import VibeVoiceDiffusionHeadConfig

    said = config["diffusion_head_config"]
    return VibeVoiceDiffusionHeadConfig(
        hidden_size=said["hidden_size"],
        latent_size=said["latent_size"],
        num_hidden_layers=said["head_layers"],
        intermediate_size=int(said["hidden_size"] * said["head_ffn_ratio"]),
        rms_norm_eps=said["rms_norm_eps"],
    )
