"""Reading JSON that strangers send: bounded types, no surprises. Every failure is ``InvalidRequest`` in plain words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from syrinx.core.errors import InvalidRequest

Fields = Mapping[str, Any]
"""A JSON object as parsed."""

LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,4}")
"""The shape of a BCP 47 tag (RFC 5646, section 2.1), underscores forgiven; whether a voice speaks it is not asked."""

_decode = msgspec.json.Decoder().decode


def read_object(message: str | bytes) -> Fields:
    """Parse one JSON object. Raises ``InvalidRequest`` (``bad_json``) for anything else.

    NaN, numbers beyond 64 bits, lone surrogates and nesting past the interpreter's limit are refused too.
    """
    try:
        value = _decode(message)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InvalidRequest(f"This is not valid JSON: {_in_short(error)}.", code="bad_json") from None
    if not isinstance(value, dict):
        raise InvalidRequest(f"A JSON object is needed, not {kind(value)}.", code="bad_json")
    return value


def first_of(fields: Fields, *names: str) -> Any:
    """Return the first of these fields that is neither absent, null nor an empty string; else None."""
    return next((fields[name] for name in names if fields.get(name) not in (None, "")), None)


def string(fields: Fields, name: str, *, code: str | None = None) -> str | None:
    """Return a string field; None if absent or null. Raises ``InvalidRequest`` for any other type."""
    value = fields.get(name)
    if value is None or isinstance(value, str):
        return value
    raise InvalidRequest(f"{name!r} must be a string, not {kind(value)}.", code=code, param=name)


def number(fields: Fields, name: str, low: float, high: float) -> float | None:
    """Return a number field within [low, high]; None if absent or null. Raises ``InvalidRequest`` otherwise."""
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidRequest(f"{name!r} must be a number, not {kind(value)}.", param=name)
    if not low <= value <= high:  # an integer may be beyond every float, so it is not shown
        raise InvalidRequest(f"{name!r} must be between {_plain(low)} and {_plain(high)}.", param=name)
    return float(value)


def _plain(bound: float) -> str:
    """A bound as people write it: 4294967295, not 4.29497e+09."""
    return str(int(bound)) if bound == int(bound) else f"{bound:g}"


def flag(fields: Fields, name: str, *, default: bool) -> bool:
    """Return a boolean field; ``default`` if absent or null. Raises ``InvalidRequest`` for any other type."""
    value = fields.get(name)
    if value is None:
        return default
    if isinstance(value, bool):
        return value
    raise InvalidRequest(f"{name!r} must be true or false, not {kind(value)}.", param=name)


def language_of(fields: Fields) -> str | None:
    """Return the ``language`` field, a BCP 47 tag; None if absent, null or empty. Raises ``InvalidRequest``."""
    value = string(fields, "language") or None
    if value is not None and not LANGUAGE_TAG.fullmatch(value):
        raise InvalidRequest(f"'language' must be a tag such as 'en' or 'pt-BR', not {value[:40]!r}.", param="language")
    return value


def cache_of(fields: Fields) -> bool | None:
    """Whether audio may come from, and go to, the response cache: the ``cache`` field; None: as the settings say.

    Raises ``InvalidRequest`` for anything but true, false and null.
    """
    value = fields.get("cache")
    if value is None or isinstance(value, bool):
        return value
    raise InvalidRequest(f"'cache' must be true or false, not {kind(value)}.", param="cache")


def kind(value: Any) -> str:
    """Name a JSON value's type as its sender would."""
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _in_short(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error).removeprefix("JSON is ")
