"""Pickled presets as upstream publishes them, of classes of transformers 4.51; and some that would do harm."""

from __future__ import annotations

import io
import sys
import types
import zipfile
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CACHE = "transformers.cache_utils"
OUTPUTS = "transformers.modeling_outputs"


class BaseModelOutputWithPast(OrderedDict[str, Any]):
    """As the library's: items that are attributes too, and a call with its fields to make it anew."""

    def __reduce__(self) -> Any:
        fields = tuple(
            self.get(name) for name in ("last_hidden_state", "past_key_values", "hidden_states", "attentions")
        )
        return type(self), fields, dict(self), None, iter(self.items())


class DynamicCache:
    """As that of transformers 4.51: two lists of tensors and a count."""

    def __init__(self, keys: list[Any], values: list[Any]) -> None:
        self._seen_tokens = keys[0].shape[2]
        self.key_cache = keys
        self.value_cache = values


@contextmanager
def _as_theirs() -> Iterator[None]:
    """A pickle names a class by where it is found: have ours found where theirs were."""
    places = {OUTPUTS: BaseModelOutputWithPast, CACHE: DynamicCache}
    before = {name: sys.modules.get(name) for name in places}
    homes = {kind: kind.__module__ for kind in places.values()}
    for name, kind in places.items():
        module = types.ModuleType(name)
        setattr(module, kind.__name__, kind)
        sys.modules[name], kind.__module__ = module, name
    try:
        yield
    finally:
        for name, kind in places.items():
            kind.__module__ = homes[kind]
            if (module := before[name]) is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def pickled(voice: dict[str, Any]) -> bytes:
    """The file of a voice (``weights.voice_of``)."""
    import torch

    kept = io.BytesIO()
    held: dict[str, Any] = {}
    for name, part in voice.items():
        cache = DynamicCache(part["keys"], part["values"])
        held[name] = BaseModelOutputWithPast(last_hidden_state=part["hidden"], past_key_values=cache)
    with _as_theirs():
        torch.save(held, kept)
    return kept.getvalue()


def replaced(data: bytes, pickle: bytes) -> bytes:
    """The same file with another pickle in it."""
    kept = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(kept, "w") as new:
        for name in old.namelist():
            new.writestr(name, pickle if name.endswith("/data.pkl") else old.read(name))
    return kept.getvalue()


def calling(function: str, argument: str) -> bytes:
    """A pickle that calls a function (``"os system"``) when it is read."""
    return b"\x80\x02c" + function.replace(" ", "\n").encode() + b"\nX" + _text(argument) + b"\x85R."


def touching(path: Path) -> dict[str, bytes]:
    """Pickles that would leave that file behind if what they say were done."""
    return {
        "os.system": calling("os system", f"touch {path}"),
        "posix.system": calling("posix system", f"touch {path}"),
        "subprocess": calling("subprocess getoutput", f"touch {path}"),
        "eval": calling("builtins eval", f"open({str(path)!r}, 'w').close()"),
        "exec by name": b"\x80\x04X"
        + _text("builtins")
        + b"X"
        + _text("eval")
        + b"\x93X"
        + _text(f"open({str(path)!r}, 'w')")
        + b"\x85R.",
        "a module of torch": calling("torch._C._autograd eval", f"open({str(path)!r}, 'w')"),
        "an attribute of what is allowed": calling("transformers.cache_utils DynamicCache.__init__.__globals__", "x"),
    }


NOWHERE = ("a module of torch", "an attribute of what is allowed")
"""Of ``touching``: what plain unpickling refuses too."""


def _text(text: str) -> bytes:
    return len(text.encode()).to_bytes(4, "little") + text.encode()
