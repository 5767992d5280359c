"""A published checkpoint on disk: whether it is whole, of what kind, and what it says of itself. Loads nothing.

Layout (that of the repositories ``Qwen/Qwen3-TTS-12Hz-*``): ``config.json``, ``generation_config.json``, the
tokenizer's files, ``model.safetensors`` (or its parts with ``model.safetensors.index.json``), and the codec in
``speech_tokenizer/``.
"""

from __future__ import annotations

import enum
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syrinx.core.errors import ModelNotReady

MODEL_TYPE = "qwen3_tts"
TOKENIZER_TYPE = "qwen3_tts_tokenizer_12hz"
WEIGHTS = "model.safetensors"
CODEC = "speech_tokenizer"
NEEDED = (
    "config.json",
    "generation_config.json",
    "tokenizer_config.json",
    f"{CODEC}/config.json",
    f"{CODEC}/preprocessor_config.json",
)
PICKLES = ("pytorch_model.bin", "model.bin", "model.pt", "model.pth")
MAX_HEADER_BYTES = 50_000_000
SAMPLED_BYTES = 1 << 20
"""Of the weights that count for the revision, beside the header: two trainings of one shape differ in them."""
SMALL = "0b6"
"""``tts_model_size`` of the 0.6B checkpoints, whose CustomVoice kind was not trained on instructions."""


class Kind(enum.Enum):
    """``tts_model_type``: what the checkpoint was trained to take its voice from."""

    CUSTOM = "custom_voice"
    BASE = "base"
    DESIGN = "voice_design"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One that was found whole."""

    folder: Path
    kind: Kind
    size: str
    """``0b6`` or ``1b7``."""
    config: Mapping[str, Any]
    generation: Mapping[str, Any]
    """Defaults of sampling."""
    digest: str
    """Changes with configuration, layout and weights."""
    tensors: frozenset[str]
    """Names in ``model.safetensors``."""
    codec_tensors: frozenset[str]

    @property
    def speakers(self) -> tuple[str, ...]:
        """Names of the speakers, in the checkpoint's order."""
        return tuple(self.config["talker_config"].get("spk_id") or {})

    @property
    def languages(self) -> tuple[str, ...]:
        """The model's names of its languages, without dialects, which belong to speakers."""
        listed = self.config["talker_config"].get("codec_language_id") or {}
        return tuple(name for name in listed if "dialect" not in name)

    @property
    def instructions(self) -> bool:
        """Whether it follows instructions. The library drops them for CustomVoice 0.6B and takes none for Base."""
        return self.kind is Kind.DESIGN or (self.kind is Kind.CUSTOM and self.size != SMALL)


def read(weights: str) -> Checkpoint:
    """Look at the folder. Raises ``ModelNotReady`` naming the file that is missing or wrong, and the remedy."""
    folder = Path(weights)
    if not weights or not folder.is_dir():
        raise _wrong(folder, "it is no folder" if folder.exists() else "it is not there")
    for name in NEEDED:
        if not (folder / name).is_file():
            raise _wrong(folder / name, "it is missing")
    if not (folder / "tokenizer.json").is_file() and not (folder / "vocab.json").is_file():
        raise _wrong(folder / "vocab.json", "it is missing, and so is tokenizer.json")
    config, generation = _object(folder / "config.json"), _object(folder / "generation_config.json")
    kind = _kind(folder / "config.json", config)
    if _object(folder / CODEC / "config.json").get("model_type") != TOKENIZER_TYPE:
        raise _wrong(folder / CODEC / "config.json", f"its model_type is not {TOKENIZER_TYPE}")
    parts, codec = _parts(folder), _parts(folder / CODEC)
    headers, codec_headers = [header(part) for part in parts], [header(part) for part in codec]
    return Checkpoint(
        folder,
        kind,
        str(config.get("tts_model_size", "")),
        config,
        generation,
        _digest(folder, [*parts, *codec]),
        frozenset(name for one in headers for name in one),
        frozenset(name for one in codec_headers for name in one),
    )


def header(path: Path) -> dict[str, Any]:
    """Return what a safetensors file holds, by name. Raises ``ModelNotReady`` for what is none, or not all of one."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = int.from_bytes(start, "little")
        if size < 8 or length > min(size - 8, MAX_HEADER_BYTES):
            pickled = start[:2] == b"PK" or start[:1] == b"\x80"
            why = "a pickle, which could run anything, and not" if pickled else "cut short, or is no"
            raise _wrong(path, f"it is {why} safetensors")
        try:
            listed: dict[str, Any] = json.loads(file.read(length))
            listed.pop("__metadata__", None)
            end = max((entry["data_offsets"][1] for entry in listed.values()), default=0)
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
            raise _wrong(path, "it is no safetensors file") from None
    if size != 8 + length + end:
        raise _wrong(path, f"it has {size} bytes where its header says {8 + length + end}")
    return listed


def _parts(folder: Path) -> list[Path]:
    """The weight files of a folder: one, or those that an index lists."""
    whole, index = folder / WEIGHTS, folder / f"{WEIGHTS}.index.json"
    if whole.is_file():
        return [whole]
    if index.is_file():
        names = sorted({str(name) for name in _object(index).get("weight_map", {}).values()})
        parts = [folder / Path(name).name for name in names]
        absent = [part for part in parts if not part.is_file()]
        if parts and not absent:
            return parts
        whole = absent[0] if absent else whole
    pickles = [name for name in PICKLES if (folder / name).exists()]
    why = f"it is missing; {pickles[0]} is a pickle and is not read" if pickles else "it is missing"
    raise _wrong(whole, why)


def _kind(path: Path, config: Mapping[str, Any]) -> Kind:
    if config.get("model_type") != MODEL_TYPE or not isinstance(config.get("talker_config"), dict):
        raise _wrong(path, f"its model_type is {config.get('model_type')!r}, not {MODEL_TYPE!r}")
    if config.get("tokenizer_type") != TOKENIZER_TYPE:
        raise _wrong(path, f"its tokenizer_type is {config.get('tokenizer_type')!r}: only the 12 Hz codec is served")
    try:
        kind = Kind(config.get("tts_model_type"))
    except ValueError:
        raise _wrong(path, f"its tts_model_type is {config.get('tts_model_type')!r}") from None
    speakers = config["talker_config"].get("spk_id")
    if kind is Kind.CUSTOM and not (speakers and isinstance(speakers, dict)):
        raise _wrong(path, f"its tts_model_type is {kind.value!r}, but its talker_config lists no speakers in spk_id")
    return kind


def _object(path: Path) -> dict[str, Any]:
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _wrong(path, "it is no JSON object")
    return found


def _digest(folder: Path, weights: list[Path]) -> str:
    digest = hashlib.sha256()
    for name in NEEDED:
        digest.update((folder / name).read_bytes())
    for path in weights:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            digest.update(file.read(length + SAMPLED_BYTES))
        digest.update(str(path.stat().st_size).encode())
    return digest.hexdigest()[:16]


def _wrong(path: Path, why: str) -> ModelNotReady:
    return ModelNotReady(f"{path} cannot be used: {why}. Get the weights anew: syrinx models install qwen")
