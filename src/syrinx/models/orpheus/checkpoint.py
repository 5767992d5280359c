"""Is what lies in a folder a checkpoint that can be loaded? Each way in which it is not is told with the remedy."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syrinx.core.errors import ModelNotReady
from syrinx.models.threads import threads_ended

from .codec import Codec, suits
from .ids import TokenIds

CODEC_REPO = "hubertsiuzdak/snac_24khz"
CONFIG, TOKENIZER, INDEX, SINGLE = "config.json", "tokenizer.json", "model.safetensors.index.json", "model.safetensors"
CODEC_WEIGHTS = "pytorch_model.bin"


@dataclass(frozen=True, slots=True)
class Remedy:
    """Says what is wrong with a file, and what to do."""

    model: str

    def not_ready(self, path: Path, why: str) -> ModelNotReady:
        return ModelNotReady(f"{path} {why}: syrinx models install {self.model}")


def read_config(folder: Path, remedy: Remedy) -> dict[str, Any]:
    """A folder's ``config.json``."""
    path = folder / CONFIG
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise remedy.not_ready(path, "is not there") from None
    except (ValueError, RecursionError):
        raise remedy.not_ready(path, "is no JSON") from None
    if not isinstance(config, dict):
        raise remedy.not_ready(path, "is not the configuration of a model")
    return config


def check_language_model(folder: Path, ids: TokenIds, remedy: Remedy) -> dict[str, Any]:
    """Refuse what is no Llama with these tokens, as safetensors, whole; return its configuration."""
    config = read_config(folder, remedy)
    if config.get("model_type") != "llama":
        raise remedy.not_ready(folder / CONFIG, f"is of a {config.get('model_type')!r} model, not of a llama")
    if int(config.get("vocab_size", 0)) <= ids.highest:
        raise remedy.not_ready(
            folder / CONFIG,
            f"has a vocabulary of {config.get('vocab_size')} tokens, but ids up to {ids.highest} are in use "
            "(audio_base_id and the others of model_options)",
        )
    if not (folder / TOKENIZER).is_file():
        raise remedy.not_ready(folder / TOKENIZER, "is not there")
    for path in _shards(folder, remedy):
        _check_tensors(path, remedy)
    return config


def _shards(folder: Path, remedy: Remedy) -> list[Path]:
    if (folder / SINGLE).is_file():
        return [folder / SINGLE]
    if not (folder / INDEX).is_file():
        pickles = sorted(path.name for path in folder.glob("*.bin"))
        why = f"is not there (only {pickles[0]}, a pickle, which is never read)" if pickles else "is not there"
        raise remedy.not_ready(folder / SINGLE, why)
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        names = sorted({Path(name).name for name in index["weight_map"].values()})
    except (ValueError, KeyError, TypeError, AttributeError):
        raise remedy.not_ready(folder / INDEX, "is no index of tensors") from None
    return [folder / name for name in names]


def _check_tensors(path: Path, remedy: Remedy) -> None:
    """Reads the header, which says how long the file must be."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise remedy.not_ready(path, "is not there")
    try:
        with safe_open(str(path), framework="pt"):
            pass
    except (SafetensorError, OSError, ValueError):
        raise remedy.not_ready(path, "is truncated, or no safetensors file") from None


@contextmanager
def _told_as(path: Path, remedy: Remedy) -> Generator[None]:
    """What a library says of weights that do not fit, in one sentence."""
    try:
        yield
    except (RuntimeError, ValueError, KeyError, TypeError, EOFError, OSError, pickle.UnpicklingError) as error:
        first = " ".join(str(error).split())[:200]
        raise remedy.not_ready(path, f"does not hold the weights of this model ({first})") from error


def load_language_model(folder: Path, ids: TokenIds, remedy: Remedy, **how: Any) -> Any:
    """A ``LlamaForCausalLM`` of a checked folder. ``how``: ``dtype``, ``attn_implementation``."""
    check_language_model(folder, ids, remedy)
    from transformers import LlamaForCausalLM

    with _told_as(folder, remedy), threads_ended():
        model, told = LlamaForCausalLM.from_pretrained(
            str(folder), local_files_only=True, use_safetensors=True, output_loading_info=True, **how
        )
    lacking: Sequence[str] = sorted(told["missing_keys"])
    if lacking:
        raise remedy.not_ready(folder, f"lacks weights of this model ({lacking[0]} and {len(lacking) - 1} more)")
    return model.eval()


def load_tokenizer(folder: Path, remedy: Remedy) -> Any:
    """A ``tokenizers.Tokenizer``: that of transformers would add tokens and read a dozen files."""
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(folder / TOKENIZER))
    except Exception as error:  # noqa: BLE001 - the library raises plain Exception for anything that is wrong
        raise remedy.not_ready(folder / TOKENIZER, f"cannot be read ({error})") from None


def find_codec(named: str, weights: Path, remedy: Remedy) -> Path:
    """The codec's folder: the one that is named, else inside or beside the weights, where it is fetched to."""
    org, _, repo = CODEC_REPO.partition("/")
    places = [Path(named)] if named else [weights / repo, weights.parent.parent / org / repo, weights]
    for place in places:
        if (place / CODEC_WEIGHTS).is_file():
            return place
    raise remedy.not_ready(places[0] / CODEC_WEIGHTS, f"is not there: it is the codec, {CODEC_REPO}")


def load_codec(folder: Path, device: Any, remedy: Remedy) -> Codec:
    """The codec, which is published as a pickle of tensors; torch reads it as nothing but tensors."""
    if not suits(read_config(folder, remedy)):
        raise remedy.not_ready(folder / CONFIG, f"is not that of {CODEC_REPO}")
    import torch

    path = folder / CODEC_WEIGHTS
    with _told_as(path, remedy):
        torch.load(path, map_location="cpu", weights_only=True, mmap=True)  # whatever its library asks for
        return Codec.load(folder, device)


def identity(folders: Sequence[Path], *also: object) -> str:
    """Changes with configurations, sizes of files and what else is named."""
    digest = hashlib.sha256(repr(also).encode())
    for folder in folders:
        for path in sorted(folder.glob("*")):
            if path.suffix in (".safetensors", ".bin"):
                digest.update(f"{path.name} {path.stat().st_size}".encode())
            elif path.suffix == ".json":
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
