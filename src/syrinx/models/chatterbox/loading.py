"""Brings the parts of Chatterbox into memory, through the library's own classes."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syrinx.core.errors import ModelNotReady
from syrinx.models.device import choose_device, choose_dtype, set_threads

from .backbone import Backbone
from .checkpoint import CANGJIE, Checkpoint, broken, find
from .conditionals import MAX_PROMPT_TOKENS, Voice, VoiceShape, paired, voice_of
from .flow import Flow
from .languages import CHINESE, ENGLISH, MULTILINGUAL
from .options import ChatterboxOptions, Variant
from .readings import Readings, Segmenter
from .readings import find as find_readings
from .runtime import bring_in, quiet

MAY_LACK = {"tokenizer._mel_filters", "tokenizer.window"}
"""Constants that the S3Gen of some checkpoints leaves out (``ignore_state_dict_missing`` in ``s3tokenizer.py``)."""
TURBO_TEXT_TOKENS = 50_276
TURBO_SPEECH_TOKENS = 6563
TURBO_PROMPT_TOKENS = 375
"""Of ``ChatterboxTurboTTS.from_local``."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The library's networks, and what there is to know about them."""

    variant: Variant
    t3: Any
    backbone: Backbone | None
    """T3's Llama; Turbo has none."""
    s3gen: Any
    flow: Flow
    """Of ``s3gen``."""
    voice_encoder: Any
    text_ids: Callable[[str, str], list[int]]
    """Of a text and a language id, with start and stop where the model wants them."""
    default_voice: Voice
    shape: VoiceShape
    languages: tuple[str, ...]
    lacking: tuple[str, ...]
    """What is read worse than it could be, and what would help: sentences without a full stop."""
    device: Any
    revision: str


def load(options: ChatterboxOptions) -> Loaded:
    """Load the model. Raises ``ModelNotReady`` naming the file that is missing or wrong, and the remedy."""
    checkpoint = find(options.weights, options.variant)
    bring_in()
    set_threads(options)
    device, dtype = choose_device(options), choose_dtype(options, on_gpu="float32")
    with quiet():
        t3 = _t3(checkpoint).to(device=device, dtype=dtype).eval()
        s3gen = _s3gen(checkpoint).to(device).eval()
        encoder = _voice_encoder(checkpoint).to(device).eval()
        readings = find_readings(checkpoint.folder)
        text_ids, languages = _tokenizer(checkpoint, t3.hp, readings)
    shape = VoiceShape(int(t3.hp.speech_cond_prompt_len))
    return Loaded(
        checkpoint.variant,
        t3,
        None if checkpoint.variant == "turbo" else Backbone(t3.tfmr),
        s3gen,
        Flow(s3gen.flow, meanflow=s3gen.meanflow),
        encoder,
        text_ids,
        _default_voice(checkpoint, shape).to(device),
        shape,
        languages,
        tuple(readings.lacking[name] for name in languages if name in readings.lacking),
        device,
        _revision(checkpoint, options, str(dtype)),
    )


def _t3(checkpoint: Checkpoint) -> Any:
    from chatterbox.models.t3 import T3
    from chatterbox.models.t3.modules.t3_config import T3Config

    if checkpoint.variant == "turbo":
        config = T3Config(text_tokens_dict_size=TURBO_TEXT_TOKENS)
        config.llama_config_name = "GPT2_medium"
        config.speech_tokens_dict_size = TURBO_SPEECH_TOKENS
        config.input_pos_emb = None  # pyright: ignore[reportAttributeAccessIssue]
        config.speech_cond_prompt_len = TURBO_PROMPT_TOKENS
        config.use_perceiver_resampler = False
        config.emotion_adv = False
    else:
        config = T3Config.multilingual() if checkpoint.variant == "multilingual" else T3Config.english_only()
    t3 = T3(config)
    _fill(t3, checkpoint.t3)
    return t3


def _s3gen(checkpoint: Checkpoint) -> Any:
    from chatterbox.models.s3gen import S3Gen

    s3gen = S3Gen(meanflow=checkpoint.variant == "turbo")
    _fill(s3gen, checkpoint.s3gen)
    return s3gen


def _voice_encoder(checkpoint: Checkpoint) -> Any:
    from chatterbox.models.voice_encoder import VoiceEncoder

    encoder = VoiceEncoder()
    _fill(encoder, checkpoint.voice_encoder)
    return encoder


def _fill(module: Any, path: Path) -> None:
    """Put the tensors of a file into a network. Raises ``ModelNotReady`` where they are not its own."""
    tensors = _tensors(path)
    own = module.state_dict()
    lacking = sorted(name for name in own if name not in tensors and name not in MAY_LACK)
    if lacking:
        raise broken(path, f"it is of another model: it lacks {len(lacking)} tensors, the first is {lacking[0]}")
    for name, tensor in own.items():
        if name in tensors and tensors[name].shape != tensor.shape:
            shapes = f"{tuple(tensors[name].shape)} where {tuple(tensor.shape)} belongs"
            raise broken(path, f"it is of another model: {name} is {shapes}")
    module.load_state_dict({name: tensors[name] for name in own if name in tensors}, strict=False)


def _tensors(path: Path) -> dict[str, Any]:
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, ValueError, EOFError, OSError) as error:
        raise broken(path, str(error).split("\n")[0][:200]) from None
    if not isinstance(found, dict) or not all(torch.is_tensor(tensor) for tensor in found.values()):
        raise broken(path, "it holds no tensors by name")
    return found


def _default_voice(checkpoint: Checkpoint, shape: VoiceShape) -> Voice:
    """Read the voice that is published with the weights: a file of torch, read without running it."""
    import torch

    path = checkpoint.conditionals
    try:
        found: Any = torch.load(path, map_location="cpu", weights_only=True)
        tensors = {
            "speaker": found["t3"]["speaker_emb"].float(),
            "style_token": found["t3"]["cond_prompt_speech_tokens"].long(),
            "prompt_token": found["gen"]["prompt_token"].long(),
            "prompt_feat": found["gen"]["prompt_feat"].float(),
            "embedding": found["gen"]["embedding"].float(),
        }
        return voice_of(paired({name: tensor.numpy() for name, tensor in tensors.items()}), shape)
    except (pickle.UnpicklingError, RuntimeError, ValueError, EOFError, OSError) as error:
        raise broken(path, str(error).split("\n")[0][:200]) from None
    except (KeyError, TypeError, AttributeError):
        raise broken(path, "it does not hold the conditionals of a voice") from None


def _tokenizer(
    checkpoint: Checkpoint, hp: Any, readings: Readings
) -> tuple[Callable[[str, str], list[int]], tuple[str, ...]]:
    path = checkpoint.tokenizer
    try:
        if checkpoint.variant == "turbo":
            return _turbo_tokenizer(checkpoint.folder), ENGLISH
        if checkpoint.variant == "multilingual":
            return _multilingual_tokenizer(path, hp, readings)
        return _english_tokenizer(path, hp), ENGLISH
    except ModelNotReady:
        raise
    except Exception as error:  # noqa: BLE001  the libraries raise bare Exception for a file that they cannot read
        raise broken(path, f"its tokenizer cannot be read ({str(error)[:200]})") from None


def _english_tokenizer(path: Path, hp: Any) -> Callable[[str, str], list[int]]:
    from chatterbox.models.tokenizers import EnTokenizer
    from chatterbox.tts import punc_norm

    tokenizer = EnTokenizer(str(path))
    _check_size(path, tokenizer.tokenizer.get_vocab_size(), hp.text_tokens_dict_size)

    def ids(text: str, _: str) -> list[int]:
        return [hp.start_text_token, *tokenizer.encode(punc_norm(text)), hp.stop_text_token]

    return ids


def _multilingual_tokenizer(
    path: Path, hp: Any, readings: Readings
) -> tuple[Callable[[str, str], list[int]], tuple[str, ...]]:
    import chatterbox.models.tokenizers.tokenizer as module
    from chatterbox.mtl_tts import punc_norm

    cangjie = path.parent / CANGJIE
    module.hf_hub_download = lambda **_: str(cangjie)  # the table of Chinese signs is taken from this folder
    module.ChineseCangjieConverter._init_segmenter = _none  # it would fetch a model; see ``readings``
    module.add_hebrew_diacritics = readings.of("he")
    module.add_russian_stress = readings.of("ru")
    tokenizer = module.MTLTokenizer(str(path))
    tokenizer.cangjie_converter.segmenter = Segmenter(readings.of(CHINESE))
    _check_size(path, tokenizer.tokenizer.get_vocab_size(), hp.text_tokens_dict_size)
    if cangjie.is_file() and not tokenizer.cangjie_converter.word2cj:
        raise broken(cangjie, "it is no table of signs")

    def ids(text: str, language: str) -> list[int]:
        return [hp.start_text_token, *tokenizer.encode(punc_norm(text), language), hp.stop_text_token]

    return ids, tuple(name for name in MULTILINGUAL if name != CHINESE or cangjie.is_file())


def _none(_: Any) -> None:
    return None


def _turbo_tokenizer(folder: Path) -> Callable[[str, str], list[int]]:
    from chatterbox.tts_turbo import punc_norm
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(str(folder), local_files_only=True, trust_remote_code=False)
    _check_size(folder / "tokenizer_config.json", len(tokenizer), TURBO_TEXT_TOKENS)
    return lambda text, _: list(tokenizer(punc_norm(text)).input_ids)


def _check_size(path: Path, size: int, most: int) -> None:
    if size > most:
        raise broken(path, f"it is of another model: it has {size} tokens where {most} are known")


def _revision(checkpoint: Checkpoint, options: ChatterboxOptions, dtype: str) -> str:
    """Of all that a prompt or the sound depends on."""
    from importlib.metadata import version

    chosen: dict[str, object] = {"dtype": dtype, "flow_steps": options.flow_steps, "variant": checkpoint.variant}
    if options.recording_tokens < MAX_PROMPT_TOKENS:  # else as it was before there was the option: voices depend on it
        chosen["recording_tokens"] = options.recording_tokens
    return f"{version('chatterbox-tts')}-{checkpoint.identity}-{json.dumps(chosen, separators=(',', ':'))}"
