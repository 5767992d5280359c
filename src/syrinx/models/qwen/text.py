"""Text as the model can read it. Pure."""

from __future__ import annotations

import re

from syrinx.core.errors import EmptyText

_UNREADABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]+")
"""Control characters, and lone surrogates, which UTF-8 cannot carry."""


def readable(text: str, param: str = "text") -> str:
    """Return ``text`` without what cannot be read, on one line. Raises ``EmptyText`` where nothing is left."""
    cleaned = " ".join(_UNREADABLE.sub(" ", text).split())
    if not cleaned:
        raise EmptyText("There is nothing to speak in the text.", param=param)
    return cleaned
