"""Reads the published checkpoint: ``config.json``, ``kokoro-v1_0.pth``, ``voices/*.pt``; every flaw is told by file.

Published are pickles. torch reads them without running anything they say (``weights_only``).
"""

from __future__ import annotations

import hashlib
import io
import json
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from syrinx.core.errors import ModelNotReady

from .voices import Voices, checked, is_voice

CONFIG, MODEL, VOICES = "config.json", "kokoro-v1_0.pth", "voices"
PARTS = ("bert", "bert_encoder", "predictor", "text_encoder", "decoder")
"""What the checkpoint holds: each a dictionary of tensors."""
WRAPPED = "module."
"""Before every name in the published file (it was trained in parallel)."""
REMEDY = "Fetch it again: syrinx models install kokoro"


def load_model(folder: Path) -> Any:
    """Return the ``kokoro.KModel`` with its weights, on the CPU, in evaluation mode. Raises ``ModelNotReady``."""
    import torch
    from kokoro.model import KModel

    config = _config(folder / CONFIG)
    state = _unpickled(folder / MODEL)
    if not isinstance(state, Mapping):
        raise ModelNotReady(f"{folder / MODEL} holds no Kokoro model. {REMEDY}")
    empty = io.BytesIO()
    torch.save({}, empty)
    empty.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, about the library's ways to say the same thing
            # its own loading takes what does not fit for granted: it gets an empty file, the parts are loaded below
            model = KModel(repo_id="local", config=config, model=cast(Any, empty))
    except Exception as error:
        raise ModelNotReady(
            f"{folder / CONFIG} does not describe a Kokoro model ({_short(error)}). {REMEDY}"
        ) from error
    for part in PARTS:
        _fill(getattr(model, part), state.get(part), f"{folder / MODEL}: {part}")
    _settle(model)
    return model.eval()


def load_voices(folder: Path) -> Voices:
    """Return the voices whose files are there. Raises ``ModelNotReady`` where there is none, or one is spoiled."""
    import torch

    packs = {}
    for file in sorted((folder / VOICES).glob("*.pt")):
        if is_voice(file.stem):
            pack = _unpickled(file)
            array = pack.float().numpy() if isinstance(pack, torch.Tensor) else None
            packs[file.stem] = checked(file.stem, array, str(file), REMEDY)
    if not packs:
        raise ModelNotReady(f"{folder / VOICES} has no voice such as af_heart.pt. {REMEDY}")
    return Voices(packs)


def identity(folder: Path) -> str:
    """Changes with the configuration, the weights and the voices; reads no tensor."""
    digest = hashlib.sha256((folder / CONFIG).read_bytes())
    for file in [folder / MODEL, *sorted((folder / VOICES).glob("*.pt"))]:
        digest.update(f"{file.name} {file.stat().st_size}".encode())
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                digest.update(repr([entry.CRC for entry in archive.infolist()]).encode())
    return digest.hexdigest()[:16]


def _config(file: Path) -> dict[str, Any]:
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelNotReady(f"{file} cannot be read ({_short(error)}). {REMEDY}") from error
    vocab = config.get("vocab") if isinstance(config, dict) else None
    count = config.get("n_token") if isinstance(config, dict) else None
    if not isinstance(vocab, dict) or not isinstance(count, int):
        raise ModelNotReady(f"{file} is not the configuration of a Kokoro model: no vocab. {REMEDY}")
    if not all(isinstance(n, int) and 0 <= n < count for n in vocab.values()):
        raise ModelNotReady(f"{file} has a vocab with numbers that are none of its {count} tokens. {REMEDY}")
    return config


def _unpickled(file: Path) -> Any:
    import torch

    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ModelNotReady(f"{file} cannot be read ({_short(error)}). {REMEDY}") from error
    except Exception as error:  # RuntimeError, EOFError, UnpicklingError, ...: by where the file is spoiled
        raise ModelNotReady(f"{file} is truncated, or no file of tensors ({_short(error)}). {REMEDY}") from error


def _fill(module: Any, state: object, place: str) -> None:
    """Load one part; nothing may be missing, foreign or of another shape."""
    if not isinstance(state, Mapping):
        raise ModelNotReady(f"{place} is not there. {REMEDY}")
    named = {str(name).removeprefix(WRAPPED): tensor for name, tensor in state.items()}
    named.pop("embeddings.position_ids", None)  # a table of 0, 1, 2, ... that older transformers kept
    try:
        module.load_state_dict(named)
    except Exception as error:
        raise ModelNotReady(f"{place} does not fit its configuration ({_short(error)}). {REMEDY}") from error


def _settle(model: Any) -> None:
    """Work weights that are kept as direction and length out once, instead of at each call."""
    from torch.nn.utils import remove_weight_norm

    for module in model.modules():
        if hasattr(module, "weight_g"):
            remove_weight_norm(module)


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
