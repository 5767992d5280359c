"""Brings in ``qwen_tts`` and loads a checkpoint with it: what it patches, prints and looks up is held in here.

Only a worker imports this, whose process holds no other model.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import io
import logging
import os
import sys
import types
from collections.abc import Generator, Mapping
from typing import Any

import torch

from syrinx.core.errors import ModelNotReady
from syrinx.models.threads import threads_ended

from .checkpoint import CODEC, WEIGHTS, Checkpoint
from .kinds import Device, Dtype, Tensor

VERSION = "0.1.1.post1"
"""Of ``qwen-tts-hf``, as locked."""
UNUSED = ("sox", "onnxruntime", "torchaudio", "torchaudio.compliance", "torchaudio.compliance.kaldi")
"""What the library imports at its top for its 25 Hz codec alone, which is not served."""
SILENT = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false",
}
"""Read by the hub's library when it is imported: nothing is looked up, nothing is drawn."""

_log = logging.getLogger(__name__)


def bring_in() -> Any:
    """Return the module ``qwen_tts``. Raises ``ModelNotReady`` where it is not installed."""
    os.environ.update(SILENT)
    before = torch.get_num_threads()
    try:
        with _stand_ins(), _quiet():
            _default_rope()
            import qwen_tts
            from transformers.utils import logging as said
    except ImportError as error:
        raise ModelNotReady(f"{error}: syrinx models install qwen") from error
    said.disable_progress_bar()
    torch.set_num_threads(before)
    return qwen_tts


def load(found: Checkpoint, device: Device, dtype: Dtype, attention: str) -> tuple[Any, str]:
    """Load a checkpoint: a ``Qwen3TTSModel``, and how its attention is computed.

    Raises ``ModelNotReady`` for weights that do not fit their configuration.
    """
    qwen_tts = bring_in()
    chosen = choose_attention(attention, device, dtype)
    try:
        model = _loaded(qwen_tts, found, device, dtype, chosen)
    except (ImportError, ValueError) as error:
        if chosen != "flash_attention_2":
            raise _unfit(found, error) from error
        _log.warning("flash_attention_2 cannot be used (%s); attention is computed by sdpa.", _first_line(error))
        chosen = "sdpa"
        model = _loaded(qwen_tts, found, device, dtype, chosen)
    check_complete(found, model)
    return model, chosen


def choose_attention(wanted: str, device: Device, dtype: Dtype) -> str:
    """Return the implementation to ask transformers for. Says so in the log where it is not the one that was wanted."""
    if wanted not in ("auto", "flash_attention_2"):
        return wanted
    lacking = _no_flash(device, dtype)
    if lacking is None:
        return "flash_attention_2"
    if wanted == "flash_attention_2":
        _log.warning("flash_attention_2 cannot be used (%s); attention is computed by sdpa.", lacking)
    return "sdpa"


def check_complete(found: Checkpoint, model: Any) -> None:
    """See that every parameter came from the files: transformers fills others with noise and goes on.

    Raises ``ModelNotReady``.
    """
    parts = ((model.model, found.tensors, WEIGHTS), (_codec_of(model), found.codec_tensors, f"{CODEC}/{WEIGHTS}"))
    for module, there, name in parts:
        missing = [parameter for parameter, _ in module.named_parameters() if parameter not in there]
        if missing:
            why = f"{len(missing)} tensors of this architecture are not in it, such as {missing[0]}"
            raise ModelNotReady(f"{found.folder / name} cannot be used: {why}. {_REMEDY}")


_REMEDY = "Get the weights anew: syrinx models install qwen"


def _codec_of(model: Any) -> Any:
    return model.model.speech_tokenizer.model


def _loaded(qwen_tts: Any, found: Checkpoint, device: Device, dtype: Dtype, attention: str) -> Any:
    try:
        with _quiet(), threads_ended():
            return qwen_tts.Qwen3TTSModel.from_pretrained(
                str(found.folder),
                device_map=str(device),
                dtype=dtype,
                attn_implementation=attention,
                local_files_only=True,
                use_safetensors=True,
            )
    except (RuntimeError, OSError, TypeError, KeyError, AttributeError) as error:
        if isinstance(error, torch.cuda.OutOfMemoryError):
            raise
        raise _unfit(found, error) from error


def _unfit(found: Checkpoint, error: Exception) -> ModelNotReady:
    return ModelNotReady(f"The weights in {found.folder} could not be loaded: {_first_line(error)}. {_REMEDY}")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300].rstrip(".")


def _no_flash(device: Device, dtype: Dtype) -> str | None:
    """Say why FlashAttention 2 cannot run; None: it can."""
    if device.type != "cuda":
        return f"the device is {device.type}"
    if dtype not in (torch.float16, torch.bfloat16):
        return "it computes in float16 and bfloat16 only"
    if importlib.util.find_spec("flash_attn") is None:
        return "the package flash-attn is not installed"
    return None


@contextlib.contextmanager
def _stand_ins() -> Generator[None]:
    """Empty modules in the place of those that are not used, while the library is imported."""
    made: list[str] = []
    for name in UNUSED:
        if name not in sys.modules:
            module = types.ModuleType(name)
            module.__spec__ = importlib.machinery.ModuleSpec(name, None)
            module.__path__ = []
            sys.modules[name] = module
            made.append(name)
    try:
        yield
    finally:
        for name in made:
            sys.modules.pop(name, None)


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    """What the library prints is not worth reading: a banner where flash-attn is not installed."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


def _default_rope() -> None:
    """Register rotary embeddings of the plain kind, which transformers 5 has no entry for and the library looks up.

    It would register its own, which reads ``config.rope_theta``; configurations that transformers itself made (the
    codec's encoder) keep it in ``rope_parameters``.
    """
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    ROPE_INIT_FUNCTIONS.setdefault("default", _rope)


def _rope(config: Any, device: Any = None, seq_len: Any = None, layer_type: Any = None) -> tuple[Tensor, float]:
    """Return the inverse frequencies, shape (head_dim / 2,), and a scaling of 1 (RoFormer, arXiv:2104.09864)."""
    said: Mapping[str, Any] = getattr(config, "rope_parameters", None) or {}
    base = said.get("rope_theta") or getattr(config, "rope_theta", None) or 10_000.0
    head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    size = int(head * float(said.get("partial_rotary_factor") or 1.0))
    exponents = torch.arange(0, size, 2, dtype=torch.int64).to(device=device, dtype=torch.float32) / size
    return 1.0 / base**exponents, 1.0
