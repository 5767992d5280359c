"""From a text to the tokens that the model reads, by its tokenizer."""

from __future__ import annotations

from typing import Any

from syrinx.models.vibevoice import script

from .checkpoint import FILES, Checkpoint

PLAIN = str.maketrans({"\u2019": "'", "\u201c": '"', "\u201d": '"'})
"""Typographic quotation marks, as the makers' demo writes them."""


class Reader:
    """Reads texts, each as one line."""

    def __init__(self, found: Checkpoint) -> None:
        """Raises ``ModelNotReady`` for a file that is no tokenizer, or knows more tokens than the model."""
        from tokenizers import Tokenizer

        try:
            self._tokenizer: Any = Tokenizer.from_file(str(found.tokenizer))
        except Exception as error:  # noqa: BLE001 - the library raises plain Exception for anything that is wrong
            raise FILES.wrong(found.tokenizer, f"it cannot be read ({str(error)[:100]})") from None
        known, most = self._tokenizer.get_vocab_size(), int(found.config["decoder_config"]["vocab_size"])
        if known > most:
            raise FILES.wrong(found.tokenizer, f"it has {known} tokens; the model knows {most}")
        self._special = tuple(token.content for token in self._tokenizer.get_added_tokens_decoder().values())

    def read(self, text: str) -> tuple[str, tuple[int, ...]]:
        """Return the line that is spoken, and its tokens: at least one, the end of the line."""
        line = script.clean(text.translate(PLAIN), self._special)
        return line, tuple(self._tokenizer.encode(line + "\n", add_special_tokens=False).ids)
