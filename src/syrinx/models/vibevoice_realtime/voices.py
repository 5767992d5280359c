"""The voices of a checkpoint: presets as they lie beside it, whose they are, and what they are called. No torch."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from syrinx.models.base import VoiceInfo
from syrinx.models.presets import FOLDER, SUFFIX, made_in
from syrinx.models.vibevoice.files import Files

from .checkpoint import Checkpoint, Sizes
from .options import NAME

FORMAT = "syrinx-preset-1"
REMEDY = f"syrinx models convert-presets {NAME} DIR"
FILES = Files("VibeVoice Realtime", REMEDY)
LANGUAGES: Mapping[str, str] = MappingProxyType({"in": "en-IN", "jp": "ja", "kr": "ko", "sp": "es"})
"""What names of presets begin with, where that is no BCP 47 tag."""
DEFAULT = "en-Carter_man"
"""That of the makers' demo."""
GENDERS: Mapping[str, str] = MappingProxyType({"man": "male", "woman": "female"})
_NAME = re.compile(r"([a-z]{2})-(.+?)(?:_(man|woman))?")


def metadata_for(config_digest: str) -> dict[str, str]:
    """What the header of a voice's file says."""
    return {"format": FORMAT, "model": NAME, "config": config_digest}


def tensor_shapes(sizes: Sizes) -> Mapping[str, Sequence[int]]:
    """The tensors of a voice; -1: any length, the same for keys and values."""
    text, speech = ([layers, sizes.heads, -1, sizes.head_dim] for layers in (sizes.text_layers, sizes.speech_layers))
    parts = {"text": text, "speech": speech, "against": speech}
    both = {f"{part}.{name}": shape for part, shape in parts.items() for name in ("keys", "values")}
    return {**both, "against.hidden": [sizes.hidden]}


def find(checkpoint: Checkpoint) -> dict[str, Path]:
    """The voices by id, the default first, each file whole and of this checkpoint.

    Raises ``ModelNotReady`` naming the file, and where there is none.
    """
    paths = {path.name.removesuffix(SUFFIX): path for path in made_in(checkpoint.folder)}
    if not paths:
        folder = checkpoint.folder / FOLDER
        raise FILES.wrong(folder, "there are no voices in it; DIR is demo/voices of microsoft/VibeVoice")
    for path in paths.values():
        _check(path, checkpoint)
    english = [name for name in paths if name.startswith("en-")]
    first = DEFAULT if DEFAULT in paths else (english or list(paths))[0]
    return {name: paths[name] for name in (first, *(other for other in paths if other != first))}


def info_of(name: str) -> VoiceInfo:
    """Published names say language, name and gender: ``en-Carter_man``."""
    match = _NAME.fullmatch(name)
    if match is None:
        return VoiceInfo(name, name, ("en",))
    return VoiceInfo(name, match[2], (LANGUAGES.get(match[1], match[1]),), GENDERS.get(match[3], ""))


def digest_of(paths: Mapping[str, Path]) -> str:
    """Changes with the voices."""
    digest = hashlib.sha256()
    for name in sorted(paths):
        digest.update(name.encode() + hashlib.sha256(paths[name].read_bytes()).digest())
    return digest.hexdigest()[:8]


def _check(path: Path, checkpoint: Checkpoint) -> None:
    header = FILES.check_whole(path)
    said = header.pop("__metadata__", None)
    wanted = metadata_for(checkpoint.config_digest)
    if not isinstance(said, dict) or said.get("format") != FORMAT or said.get("model") != NAME:
        raise FILES.wrong(path, "it is no voice of this model")
    if said.get("config") != wanted["config"]:
        raise FILES.wrong(path, "it is a voice of other weights, of another configuration")
    try:
        fits = _fits(header, tensor_shapes(checkpoint.sizes))
    except (KeyError, TypeError):
        fits = False
    if not fits:
        raise FILES.wrong(path, "it does not hold the tensors of a voice")


def _fits(header: Mapping[str, Any], wanted: Mapping[str, Sequence[int]]) -> bool:
    if set(header) != set(wanted):
        return False
    for name, shape in wanted.items():
        there: Sequence[int] = header[name]["shape"]
        if header[name]["dtype"] not in ("BF16", "F16", "F32") or len(there) != len(shape):
            return False
        if any(size != most if most >= 0 else not size for size, most in zip(there, shape, strict=True)):
            return False
        if name.endswith(".values") and there != header[name.replace(".values", ".keys")]["shape"]:
            return False
    return True
