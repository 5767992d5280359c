"""What the language model is asked: a voice and a text between control tokens. Pure.

Two forms. Orpheus: start of human, begin of text, ``voice: text``, end of turn, end of human, start of AI, start of
speech. Veena: start of human, ``<spk_voice> text``, end of human, start of AI, start of speech.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from .ids import TokenIds
from .tags import tag

Form = Literal["orpheus", "veena"]

_UNSPEAKABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, and lone surrogates (which UTF-8 cannot carry)."""
_CONTROL = re.compile(r"<(?:\|[^<>|]*\||custom_token_\d+|spk_\w+)>")
"""What tokenizers of this family take for a control token: a text must not end its own turn."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """In both shapes: sources take the one that they can."""

    ids: tuple[int, ...]
    """Empty where there is no tokenizer."""
    text: str


def speakable(text: str) -> str:
    """The text without what is no text to this family: control characters, and names of control tokens."""
    found = 1
    while found:  # what is left of one name may make another
        text, found = _CONTROL.subn(" ", text)
    return _UNSPEAKABLE.sub(" ", text)


def build_prompt(
    form: Form, voice: str, text: str, ids: TokenIds, encode: Callable[[str], list[int]] | None = None
) -> Prompt:
    """Return the prompt; ``encode`` is the tokenizer, which must add no special tokens (None: ids are left out)."""
    said = f"{voice}: {speakable(text)}" if form == "orpheus" else f"<spk_{voice}> {speakable(text)}"
    opening, closing = [ids.start_human], [ids.end_human, ids.start_ai, ids.start_speech]
    if form == "orpheus":
        opening, closing = [*opening, ids.begin_text], [ids.end_turn, *closing]
    written = "".join([*(_written(i, ids) for i in opening), said, *(_written(i, ids) for i in closing)])
    return Prompt((*opening, *encode(said), *closing) if encode else (), written)


def _written(token: int, ids: TokenIds) -> str:
    """Control tokens as text: those of Llama 3 have names of their own."""
    return {ids.begin_text: "<|begin_of_text|>", ids.end_turn: "<|eot_id|>"}.get(token) or tag(token, ids.custom_base)
