"""Brings the library's model into memory from local files only, and undoes what its import does to the process."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syrinx.core.errors import ModelNotReady
from syrinx.models.device import choose_device, choose_dtype, set_threads

from .files import look_at
from .mirror import REMEDY, ConfigSource, Mirror
from .options import PocketOptions
from .text import MOST_TOKENS, TextFront

SPARE_WEIGHTS = ("model.safetensors", "tts_*.safetensors")
SPARE_TOKENIZERS = ("tokenizer.json", "tokenizer.model")


@dataclass(frozen=True, slots=True)
class Loaded:
    """The library's model and what there is to know about it."""

    model: Any
    """``pocket_tts.TTSModel`` on its device."""
    dtype: Any
    """Of the language model's transformer."""
    config: ConfigSource
    mirror: Mirror
    revision: str
    front: TextFront
    frames_after_eos: int | None
    """That the checkpoint recommends; None: by the text."""
    clones: bool
    """The weights can make voices."""


def load(options: PocketOptions) -> Loaded:
    """Load the model. Raises ``ModelNotReady`` naming the file that is missing or wrong, and the remedy."""
    folder = Path(options.weights or ".")
    if not options.weights or not folder.is_dir():
        raise ModelNotReady(
            f"The weights of the model pocket ({options.weights or 'no folder'}) are not here: {REMEDY}"
        )
    with undone():
        from pocket_tts.utils.config import CONFIGS_DIR
    from . import int8

    set_threads(options)
    mirror = Mirror(folder.absolute())
    source = mirror.config(options.config, {path.stem: path for path in Path(CONFIGS_DIR).glob("*.yaml")})
    config = local_config(source, mirror)
    _check_tokenizer(config)
    identities = [look_at(Path(path)).identity for path in weight_paths(config)]
    device, dtype = choose_device(options), choose_dtype(options, on_gpu="float32")
    if options.quantize and (device.type != "cpu" or str(dtype) != "torch.float32"):
        raise ModelNotReady("quantize = true computes on a CPU, with dtype = float32 around the int8 weights.")
    model = _load_model(config, options).to(device)
    if options.quantize:
        int8.adopt(model.flow_lm.transformer)
    return Loaded(
        model,
        dtype,
        source,
        mirror,
        _revision(config, identities, options),
        _front(model),
        model.model_recommended_frames_after_eos,
        bool(model.flow_lm.speaker_proj_weight.detach().abs().max() > 0),
    )


@contextmanager
def undone() -> Generator[None]:
    """pocket-tts may look for files on the network, warn, and set up the root logger; none of it lasts."""
    os.environ["HF_HUB_OFFLINE"] = "1"  # for the life of the worker: what is served is what was installed
    logging.getLogger("pocket_tts").setLevel(logging.ERROR)  # it warns of what we see to, such as pieces that are long
    root = logging.getLogger()
    before = root.handlers[:]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.handlers[:] = before


# --- the configuration -----------------------------------------------------------------------------------------------


def local_config(source: ConfigSource, mirror: Mirror) -> dict[str, Any]:
    """The configuration with the local path of each file that it names. Raises ``ModelNotReady`` for one not there."""
    import yaml

    try:
        config: Any = yaml.safe_load(source.path.read_text(encoding="utf-8"))
        lookup = config["flow_lm"]["lookup_table"]
        split = config["flow_lm"].get("weights_path"), config["mimi"].get("weights_path")
        tokenizer = str(lookup["tokenizer_path"])
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise ModelNotReady(f"{source.path} is no configuration of pocket-tts: {str(error)[:200]}") from None
    whole = [config.pop(name, None) for name in ("weights_path", "weights_path_without_voice_cloning")]
    if any(whole) or not any(split):
        config["weights_path"] = _find(mirror, source, [path for path in whole if path], SPARE_WEIGHTS, "weights")
    for part, path in zip(("flow_lm", "mimi"), split, strict=True):
        if path:
            config[part]["weights_path"] = _find(mirror, source, [path], (), "weights")
    lookup["tokenizer_path"] = _find(mirror, source, [tokenizer], SPARE_TOKENIZERS, "tokenizer")
    lookup["tokenizer"] = "tokenizers" if lookup["tokenizer_path"].endswith(".json") else "sentencepiece"
    return config


def _find(mirror: Mirror, source: ConfigSource, references: list[str], spare: tuple[str, ...], what: str) -> str:
    for reference in references:
        found = mirror.file(reference)
        if found is not None:
            return str(found)
    found = mirror.file("", spare)
    if found is not None:
        return str(found)
    wanted = references[0].split("@")[0] if references else spare[0]
    raise ModelNotReady(
        f"{wanted}, {what} of {source.name}, is not in {mirror.folder}, nor in the repository's folder beside it: "
        f"{REMEDY}"
    )


def weight_paths(config: dict[str, Any]) -> list[str]:
    """Every weights file that a configuration names."""
    named = [config.get("weights_path"), config["flow_lm"].get("weights_path"), config["mimi"].get("weights_path")]
    return [path for path in named if path]


def _revision(config: dict[str, Any], identities: list[str], options: PocketOptions) -> str:
    """Changes with library, configuration, weights and whatever else changes the sound; not with where files lie."""
    from importlib.metadata import version

    parts: dict[str, Any] = json.loads(json.dumps(config, default=str))
    parts.pop("weights_path", None)
    for part in ("flow_lm", "mimi"):
        parts[part].pop("weights_path", None)
    parts["flow_lm"]["lookup_table"].pop("tokenizer_path", None)
    tokenizer = hashlib.sha256(Path(config["flow_lm"]["lookup_table"]["tokenizer_path"]).read_bytes()).hexdigest()
    asked = [options.quantize, options.dtype, options.decode_steps, options.noise_clamp]
    asked += [options.temperature, options.eos_threshold]
    known = json.dumps([version("pocket-tts"), parts, identities, tokenizer, asked], sort_keys=True)
    return hashlib.sha256(known.encode()).hexdigest()[:16]


# --- the library -----------------------------------------------------------------------------------------------------


def _check_tokenizer(config: dict[str, Any]) -> None:
    """Raises ``ModelNotReady`` naming the tokenizer's file, which the library would not."""
    from pocket_tts.modules.text_conditioner import build_tokenizer

    lookup = config["flow_lm"]["lookup_table"]
    try:
        build_tokenizer(lookup["n_bins"], lookup["tokenizer_path"], lookup["tokenizer"])
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        path = lookup["tokenizer_path"]
        raise ModelNotReady(f"The tokenizer {path} is broken, or another model's: {reason}. {REMEDY}") from error


def _load_model(config: dict[str, Any], options: PocketOptions) -> Any:
    import yaml
    from pocket_tts import TTSModel

    with tempfile.TemporaryDirectory(prefix="syrinx-pocket-") as folder, undone():
        path = Path(folder) / "model.yaml"
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        try:
            return TTSModel.load_model(
                config=path,
                temp=options.temperature,
                sampler_decode_steps=options.decode_steps,
                noise_clamp=options.noise_clamp,
                eos_threshold=options.eos_threshold,
                quantize=options.quantize,
            ).eval()
        except Exception as error:  # the library and its readers raise anything for a bad file
            raise ModelNotReady(_why(error, config)) from error


def _why(error: Exception, config: dict[str, Any]) -> str:
    """Name the file that the library could not take."""
    reason = " ".join(str(error).split())[:400] or type(error).__name__
    files = ", ".join(weight_paths(config))
    return f"{files} does not fit the configuration: {reason}. Set config to what the weights are, or: {REMEDY}"


def _front(model: Any) -> TextFront:
    from pocket_tts.models.text_chunking import prepare_text_prompt, split_into_best_sentences

    tokenizer = model.flow_lm.conditioner.tokenizer
    flags = (
        model.pad_with_spaces_for_short_inputs,
        model.remove_semicolons,
        model.append_terminal_punctuation,
        model.capitalize_first_letter,
        model.replace_characters,
    )
    return TextFront(
        lambda text: prepare_text_prompt(text, *flags),
        lambda text: split_into_best_sentences(tokenizer, text, MOST_TOKENS, *flags),
        tokenizer.encode,
    )
