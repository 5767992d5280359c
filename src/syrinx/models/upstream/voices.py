"""The voices that another server lists, in the several forms that are about. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from syrinx.core.errors import ModelNotReady
from syrinx.models.base import VoiceInfo

from .options import UpstreamOptions

MAX_VOICES = 10_000
_ADVICE = "Name its voices in the option voices."
_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


def named_voices(options: UpstreamOptions) -> tuple[VoiceInfo, ...]:
    """Those of the options."""
    return tuple(VoiceInfo(name, name, options.languages) for name in dict.fromkeys(options.voices))


def listed_voices(body: bytes | None, model: str, options: UpstreamOptions) -> tuple[VoiceInfo, ...]:
    """Read ``GET /v1/audio/voices``: names or objects, in ``voices`` and ``uploaded_voices`` (vLLM-Omni) or ``data``.

    Where voices say whose they are (another Syrinx), only those of ``model`` count. Raises ``ModelNotReady`` where
    there are none.
    """
    entries = list(_entries(body or b"{}"))
    mine = [entry for entry in entries if model and entry.get("model") == model]
    found = {voice.id: voice for entry in mine or entries if (voice := _voice(entry, options)) is not None}
    if not found:
        raise ModelNotReady(f"The upstream lists no voices. {_ADVICE}")
    return tuple(found.values())[:MAX_VOICES]


def default_of(voices: tuple[VoiceInfo, ...], options: UpstreamOptions) -> str:
    """Its default. Raises ``ModelNotReady`` for an option that is none of them."""
    if not options.default_voice:
        return voices[0].id
    if all(voice.id != options.default_voice for voice in voices):
        raise ModelNotReady(f"The upstream has no voice {options.default_voice!r}, which is default_voice.")
    return options.default_voice


def listed_models(body: bytes) -> list[str]:
    """Read ``GET /v1/models``; empty for what is no such list."""
    try:
        return [str(entry["id"]) for entry in json.loads(body)["data"]]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []


def _entries(body: bytes) -> Iterator[dict[str, Any]]:
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise ModelNotReady(f"The upstream's list of voices cannot be read. {_ADVICE}") from None
    if isinstance(found, dict):
        found = [*_list(found, "voices"), *_list(found, "data"), *_list(found, "uploaded_voices")]
    for entry in found if isinstance(found, list) else []:
        if isinstance(entry, str):
            yield {"id": entry}
        elif isinstance(entry, dict):
            yield entry


def _list(found: dict[str, Any], name: str) -> list[Any]:
    value = found.get(name)
    return value if isinstance(value, list) else []


def _voice(entry: dict[str, Any], options: UpstreamOptions) -> VoiceInfo | None:
    told = next((entry[name] for name in ("id", "voice_id", "voice", "name") if isinstance(entry.get(name), str)), "")
    if not told or len(told) > 200:
        return None
    name, gender = entry.get("name"), entry.get("gender")
    tags = entry.get("languages") if isinstance(entry.get("languages"), list) else [entry.get("language")]
    languages = tuple(tag for tag in tags or [] if isinstance(tag, str) and _TAG.fullmatch(tag))
    return VoiceInfo(
        told,
        name[:200] if isinstance(name, str) and name else told,
        languages or options.languages,
        gender=gender if gender in ("female", "male") else "",
    )
