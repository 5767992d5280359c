"""What OpenAI's Realtime API says: its server events, our errors in its words, and reading its nested fields.

Wire shapes: OpenAI API reference, realtime client and server events, the types of its SDKs, and its OpenAPI description
(August 2026): of what that requires no event lacks anything; beyond it are ``heard``, ``remaining``, ``spoken_until``
and the ``message`` of a failed response's error.
"""

from __future__ import annotations

from collections.abc import Collection, Generator
from contextlib import contextmanager
from typing import Any

import msgspec

from syrinx.core.errors import InvalidRequest, SyrinxError
from syrinx.core.ids import new_id
from syrinx.protocols.base import Reply
from syrinx.protocols.jsonwire import Fields, kind
from syrinx.protocols.openai.errors import clean, http_error

MAX_ID_CHARS = 256
"""Longest id that a client may give, so that echoing it stays cheap."""

_encode = msgspec.json.Encoder().encode


def event(name: str, **fields: Any) -> Reply:
    """Render a server event with an id of its own; bytes become base64."""
    return Reply(_encode({"type": name, "event_id": new_id("event"), **fields}).decode())


def error_event(error: SyrinxError, about: str | None) -> Reply:
    """Render ``error``. ``about``: the ``event_id`` of the client's message that was refused, where it had one."""
    return event("error", error={**error_fields(error), "param": error.param, "event_id": about})


def error_fields(error: SyrinxError) -> dict[str, Any]:
    """An error's type, code and message, as they are over HTTP."""
    found = http_error(error)
    return {"type": found.type, "code": found.code, "message": clean(error.message)}


@contextmanager
def within(path: str) -> Generator[None]:
    """Name the fields to blame by where they are: ``voice`` within ``audio.output`` is ``audio.output.voice``."""
    try:
        yield
    except InvalidRequest as error:
        if error.param is not None:
            error.param = f"{path}.{error.param}"
        raise


def inner(fields: Fields, name: str, known: Collection[str] | None = None) -> Fields | None:
    """Return an object field; None if absent or null. Raises ``InvalidRequest`` for any other type, and where it has a
    field that is not among ``known``."""
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise InvalidRequest(f"{name!r} must be an object, not {kind(value)}.", code="invalid_type", param=name)
    strange = next((key for key in value if known is not None and key not in known), None)
    if strange is not None:
        raise InvalidRequest(
            f"There is no parameter {strange[:100]!r} in {name!r}.",
            code="unknown_parameter",
            param=f"{name}.{strange[:100]}",
        )
    return value


def id_of(fields: Fields, name: str) -> str | None:
    """Return an id; None if absent, null or empty. Raises ``InvalidRequest`` for a long one or no string."""
    value = fields.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, str) and len(value) <= MAX_ID_CHARS:
        return value
    raise InvalidRequest(f"{name!r} must be a string of at most {MAX_ID_CHARS} characters.", param=name)


def whole_number(fields: Fields, name: str) -> int | None:
    """Return a whole number from 0 up to a day in milliseconds; None if absent or null. Raises ``InvalidRequest``."""
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= DAY_MS:
        raise InvalidRequest(f"{name!r} must be a whole number from 0 to {DAY_MS}.", param=name)
    return value


DAY_MS = 86_400_000
"""No time that a client tells is longer."""
