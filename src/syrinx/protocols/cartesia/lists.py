"""Cartesia's list of voices, as bytes. Shapes: the API reference (voices) and its SDK's types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from syrinx.core.errors import InvalidRequest
from syrinx.models.base import VoiceInfo

_encode = msgspec.json.Encoder().encode

MAX_PAGE = 100
"""Most voices of one page, and as many as it holds where no number is asked for (API reference; there it is 10)."""
GENDERS = {"female": "feminine", "male": "masculine"}
NO_DATE = "1970-01-01T00:00:00Z"
"""Clients parse a date of creation, and a model's own voice has none."""


@dataclass(frozen=True, slots=True)
class ListedAs:
    """A voice to list."""

    voice_id: str
    """What a request's voice takes."""
    voice: VoiceInfo
    cloned: bool = False


def voice_object(listed: ListedAs) -> dict[str, Any]:
    """One voice, with the fields of the newest version and of older ones."""
    voice, owned = listed.voice, listed.cloned
    return {
        "id": listed.voice_id,
        "name": voice.name,
        "tagline": "",
        "description": voice.description,
        "language": voice.languages[0].partition("-")[0],
        "locales": [{"locale": tag, "is_native": index == 0} for index, tag in enumerate(voice.languages)],
        "gender": GENDERS.get(voice.gender),
        "is_owner": owned,
        "is_public": not owned,
        "access": "private" if owned else "public",
        "visibility": "owner" if owned else "all",
        "created_at": NO_DATE,
        "accent": None,
        "country": None,
        "preview_file_url": None,
    }


def voice_body(listed: ListedAs) -> bytes:
    """Render ``GET /voices/{id}``."""
    return _encode(voice_object(listed))


def voices_body(voices: Sequence[ListedAs], query: Mapping[str, str]) -> bytes:
    """Render ``GET /voices``: a page of those that ``q``, ``gender`` and ``is_owner`` leave, behind ``starting_after``
    or before ``ending_before``. Of voices of one id the first is listed.

    Raises ``InvalidRequest`` for a ``limit`` out of range and a cursor that is no voice."""
    unique: dict[str, ListedAs] = {}
    for listed in voices:
        unique.setdefault(listed.voice_id, listed)
    found = [listed for listed in unique.values() if _matches(listed, query)]
    page, has_more = _page(found, query)
    return _encode(
        {
            "data": [voice_object(listed) for listed in page],
            "has_more": has_more,
            "next_page": page[-1].voice_id if has_more and page else None,
        }
    )


def _matches(listed: ListedAs, query: Mapping[str, str]) -> bool:
    voice = listed.voice
    return (
        query.get("q", "").lower() in f"{listed.voice_id} {voice.name} {voice.description}".lower()
        and query.get("gender", "") in ("", GENDERS.get(voice.gender, "gender_neutral"))
        and query.get("is_owner", "").lower() in ("", "null", str(listed.cloned).lower())
    )


def _page(found: Sequence[ListedAs], query: Mapping[str, str]) -> tuple[Sequence[ListedAs], bool]:
    """A page, and whether there is more in the direction that is read."""
    limit, after, before = _limit(query.get("limit", "")), query.get("starting_after"), query.get("ending_before")
    if before:
        left = found[: _index(found, before, "ending_before")]
        return left[-limit:], len(left) > limit
    rest = found[_index(found, after, "starting_after") + 1 :] if after else found
    return rest[:limit], len(rest) > limit


def _limit(asked: str) -> int:
    if not asked:
        return MAX_PAGE
    digits = asked.lstrip("0")[:6]  # a number of thousands of digits is none that Python reads
    if asked.isascii() and asked.isdigit() and digits and int(digits) <= MAX_PAGE:
        return int(digits)
    raise InvalidRequest(f"'limit' must be a whole number from 1 to {MAX_PAGE}.", param="limit")


def _index(found: Sequence[ListedAs], voice_id: str, param: str) -> int:
    index = next((index for index, listed in enumerate(found) if listed.voice_id == voice_id), None)
    if index is None:
        raise InvalidRequest(f"{param!r} must be a voice of the list, not {voice_id[:100]!r}.", param=param)
    return index
