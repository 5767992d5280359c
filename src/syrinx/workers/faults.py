"""Errors as data, for the way from a worker to the server and back into the one error tree."""

from __future__ import annotations

from dataclasses import dataclass

from syrinx.core import errors
from syrinx.core.errors import InvalidRequest, ModelFailed, ModelNotReady, Overloaded, SyrinxError

OUT_OF_MEMORY_STATUS = 71
"""Exit status of a worker that ends because its model ran out of memory."""
MAX_MESSAGE_CHARS = 2000
"""Model libraries raise errors with whole tensors in them."""

_KINDS: tuple[type[SyrinxError], ...] = (
    errors.EmptyText,
    errors.VoiceNotFound,
    errors.UnsupportedFormat,
    errors.RunawayStopped,
    errors.WorkerLost,
    ModelNotReady,
)
_BY_CODE = {kind.code: kind for kind in _KINDS}


@dataclass(frozen=True, slots=True)
class Fault:
    """An error of a job or of loading."""

    code: str
    message: str
    param: str | None = None
    callers: bool = False
    """The caller's fault (``InvalidRequest``), whatever its code."""
    retry_after_s: float = 0.0
    """Of ``Overloaded``."""


def fault_of(error: Exception) -> Fault:
    """Describe what a backend raised. Anything outside our tree is the model's failure."""
    if isinstance(error, SyrinxError):
        retry_after_s = error.retry_after_s if isinstance(error, Overloaded) else 0.0
        return Fault(error.code, _clean(error.message), error.param, isinstance(error, InvalidRequest), retry_after_s)
    return Fault(ModelFailed.code, _clean(f"The model raised {type(error).__name__}: {error}"))


def error_of(fault: Fault) -> SyrinxError:
    """Return the error that ``fault`` describes: its own kind where that takes a message, else the nearest above."""
    kind = _BY_CODE.get(fault.code)
    if kind is not None:
        return kind(fault.message, param=fault.param)
    if fault.code == Overloaded.code:
        return Overloaded(fault.message, fault.retry_after_s)
    if fault.callers:
        return InvalidRequest(fault.message, code=fault.code, param=fault.param)
    return ModelFailed(fault.message, param=fault.param)


def _clean(message: str) -> str:
    """Bound the length and drop what UTF-8 cannot carry."""
    return message[:MAX_MESSAGE_CHARS].encode("utf-8", "replace").decode("utf-8")
