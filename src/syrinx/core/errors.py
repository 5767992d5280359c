"""The one error tree, split by whose fault it is.

    SyrinxError
    ├── InvalidRequest          the caller sent something that can never work
    │   ├── EmptyText           nothing to speak
    │   ├── TextTooLong         over a stated bound
    │   ├── VoiceNotFound       no such voice on that model
    │   ├── ModelNotFound       no such model
    │   └── UnsupportedFormat   no such container or sample rate
    ├── Unauthorized            missing or wrong key
    ├── Overloaded              try again later; carries retry_after_s
    ├── ModelNotReady           loading, restarting or failed to load
    ├── ModelFailed             the model broke while speaking
    │   ├── WorkerLost          its process died or hung
    │   └── RunawayStopped      it spoke far longer than its text allows
    └── ConfigError             the operator's settings are wrong

Each error carries a stable ``code`` (snake_case, for programs), ``retryable`` (would the same request work later?) and,
where a single field is to blame, ``param`` (its name in the caller's own message). Protocols map codes to their own
words in one table each.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

Row = TypeVar("Row")


class SyrinxError(Exception):
    """Base of everything Syrinx raises on purpose. ``str(error)`` is a full sentence for the caller."""

    code = "internal_error"
    retryable = False

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param


class InvalidRequest(SyrinxError):
    """The caller's input is wrong and will stay wrong. ``code`` may be narrowed per instance (``bad_json``, ...)."""

    code = "invalid_request"

    def __init__(self, message: str, *, code: str | None = None, param: str | None = None) -> None:
        super().__init__(message, param=param)
        if code is not None:
            self.code = code


class EmptyText(InvalidRequest):
    """There is nothing to speak: empty, whitespace, or only signs that have no spoken form."""

    code = "empty_text"


class TextTooLong(InvalidRequest):
    """The text is over a bound. ``limit`` and ``got`` count ``unit`` (``"characters"`` or ``"words"``)."""

    code = "text_too_long"

    def __init__(self, limit: int, got: int, unit: str = "characters", *, param: str | None = None) -> None:
        super().__init__(f"The text has {got} {unit}; the limit is {limit}.", param=param)
        self.limit = limit
        self.got = got
        self.unit = unit


class VoiceNotFound(InvalidRequest):
    """No such voice on the chosen model."""

    code = "voice_not_found"


class ModelNotFound(InvalidRequest):
    """No such model on this server."""

    code = "model_not_found"


class UnsupportedFormat(InvalidRequest):
    """No such container, or the container cannot carry that sample rate."""

    code = "unsupported_format"


class Unauthorized(SyrinxError):
    """The key is missing or wrong."""

    code = "unauthorized"


class Overloaded(SyrinxError):
    """Refused before any work began. ``retry_after_s`` (> 0) is the expected wait."""

    code = "overloaded"
    retryable = True

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ModelNotReady(SyrinxError):
    """The model is loading, restarting, or could not be loaded (the message says which and why)."""

    code = "model_not_ready"
    retryable = True


class ModelFailed(SyrinxError):
    """The model raised or produced something that is not audio."""

    code = "model_failed"
    retryable = True


class WorkerLost(ModelFailed):
    """The worker process died, hung, or lost its connection while this utterance was being heard."""

    code = "worker_lost"


class RunawayStopped(ModelFailed):
    """The model passed the duration budget its text allows and was stopped."""

    code = "runaway_stopped"


class ConfigError(SyrinxError):
    """A setting is unknown or out of range; the message names it and where it was set."""

    code = "config_error"


def by_class(error: SyrinxError, table: Mapping[type[SyrinxError], Row]) -> Row:
    """Return what a protocol's table says of the error's class, or of the nearest listed one above it.

    Raises ``LookupError`` where the table lists none of them: give it a row for ``SyrinxError``."""
    for kind in type(error).__mro__:
        if kind in table:
            return table[kind]
    raise LookupError(f"No row for {type(error).__name__}.")
