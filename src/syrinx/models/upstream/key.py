"""The key for the other server, out of a file: it is in no option, and so in no log and no answer of ours."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from syrinx.core.errors import ModelNotReady

MAX_KEY_CHARS = 4096


@dataclass(frozen=True, slots=True)
class Key:
    value: str = field(default="", repr=False)
    """Empty: there is none."""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.value}"} if self.value else {}

    def hide(self, text: str) -> str:
        """The text without the key, should somebody have put it in."""
        return text.replace(self.value, "(the key)") if self.value else text


def read_key(path: str) -> Key:
    """The first line of that file. Raises ``ModelNotReady`` naming the file where it holds no key."""
    if not path:
        return Key()
    try:
        with Path(path).open("rb") as file:
            line = file.read(MAX_KEY_CHARS + 1).partition(b"\n")[0].strip()
    except OSError as error:
        raise ModelNotReady(f"The key of the upstream cannot be read: {path}: {error.strerror or error}") from None
    if not line or len(line) > MAX_KEY_CHARS or not (line.isascii() and line.decode("latin-1").isprintable()):
        raise ModelNotReady(f"The file {path} (key_file of the upstream) holds no key in its first line.")
    return Key(line.decode())
