"""Tokens as servers of text write them: ``<custom_token_N>``, however the text is cut. Pure."""

from __future__ import annotations

import re

LONGEST = 22
"""Characters of the longest tag: five digits, as no vocabulary of this family has more."""
_TAG = re.compile(r"<custom_token_([0-9]{1,6})>")
_BEGINNING = "<custom_token_"


def tag(token: int, custom_base: int) -> str:
    """How an id is written."""
    return f"<custom_token_{token - custom_base}>"


class TagReader:
    """Reads ids off text that comes in pieces; other text is passed over."""

    def __init__(self, custom_base: int) -> None:
        self._base = custom_base
        self._held = ""

    def feed(self, text: str) -> list[int]:
        """The ids whose tags end in this piece."""
        text = self._held + text
        ids, end = [], 0
        for match in _TAG.finditer(text):
            ids.append(self._base + int(match[1]))
            end = match.end()
        self._held = _unfinished(text[end:])
        return ids


def _unfinished(text: str) -> str:
    """The beginning of a tag that the text may end with, else nothing."""
    rest = text[text.rfind("<") :] if "<" in text else ""
    if len(rest) > LONGEST:
        return ""
    name, digits = rest[: len(_BEGINNING)], rest[len(_BEGINNING) :]
    whole = name == _BEGINNING and (not digits or (digits.isascii() and digits.isdigit()))
    return rest if whole or (not digits and _BEGINNING.startswith(name)) else ""
