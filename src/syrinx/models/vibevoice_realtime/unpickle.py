"""Makes safetensors of one pickled preset, in a process of its own: started for it, confined, and over with it.

Run as a file by the interpreter of the model's environment, which has no Syrinx: it imports none. stdin: one line of
JSON (``sizes``, ``metadata``), then the pickle. stdout: a line of JSON, ``{}`` or ``{"error"}``, then the safetensors.

torch reads the pickle as nothing but tensors (``weights_only``), with two names more, for which there are stand-ins
that do nothing. Should that fail, the process has little to reach for: before it looks at the pickle it gives up
opening files and sockets, starting processes, writing files, and root's rights. What it keeps is what no limit of the
kernel takes: signals to other processes of its user.
"""

from __future__ import annotations

import io
import json
import re
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

NOBODY = 65534
"""User and group without rights, on Linux; macOS takes any number."""
SPARE_BYTES = 1 << 30
"""Of memory, beyond what the libraries take: presets have 2 to 6 MB."""
CPU_S = 60
"""Reading one takes a tenth of a second."""


class NoVoice(Exception):
    """It was read, and holds no voice of this model."""


class Held:
    """Stands for ``transformers.cache_utils.DynamicCache``: an object with attributes."""


def output(*fields: Any) -> OrderedDict[str, Any]:
    """Stands for ``transformers.modeling_outputs.BaseModelOutputWithPast``, whose items follow in the pickle."""
    return OrderedDict()


STAND_INS = (
    (output, "transformers.modeling_outputs.BaseModelOutputWithPast"),
    (Held, "transformers.cache_utils.DynamicCache"),
)

PARTS = (
    ("text", "lm", "text_layers"),
    ("speech", "tts_lm", "speech_layers"),
    ("against", "neg_tts_lm", "speech_layers"),
)
"""Our names of the caches that are needed, upstream's, and the size that says how many layers each has."""


def confine() -> None:
    """Give up everything but computing and the streams that are open. Raises ``OSError`` where that cannot be done."""
    import os
    import resource

    mapped = _mapped_bytes()
    if os.geteuid() == 0:  # could lift what follows
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    limits = {
        resource.RLIMIT_NOFILE: 0,  # nothing is opened any more: no file, no socket, no pipe
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: CPU_S,
    }
    if mapped:
        limits[resource.RLIMIT_AS] = mapped + SPARE_BYTES
    for which, most in limits.items():
        resource.setrlimit(which, (most, most))


def _mapped_bytes() -> int:
    """Of memory, as the kernel counts it for its limit; 0: it does not say."""
    import resource

    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def warm_up(torch: Any, save: Any) -> None:
    """Do all of it once with a preset of our own: what libraries import late, they can import only now."""
    torch.set_num_threads(1)
    torch.serialization.add_safe_globals(list(STAND_INS))
    kept = io.BytesIO()
    torch.save({"a": torch.ones(2, 2, dtype=torch.bfloat16)}, kept)
    save(read(torch, kept.getvalue()), {"a": "b"})
    try:
        read(torch, b"no pickle")
    except Exception:  # noqa: BLE001 - that is what it is for
        pass


def read(torch: Any, data: bytes) -> Any:
    """What the pickle holds: containers, numbers, text and tensors."""
    return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)


def tensors_of(read: Any, sizes: dict[str, int]) -> dict[str, Any]:
    """What speaking needs of it. Raises ``NoVoice`` for what does not fit ``sizes``."""
    made: dict[str, Any] = {}
    for ours, theirs, layers in PARTS:
        held = _held(read, theirs, "past_key_values")
        for name, kind in (("keys", "key_cache"), ("values", "value_cache")):
            made[f"{ours}.{name}"] = _stacked(getattr(held, kind, None), f"{theirs}.{kind}", sizes[layers], sizes)
        if made[f"{ours}.keys"].shape != made[f"{ours}.values"].shape:
            raise NoVoice(f"{theirs} has not as many keys as values")
    last = _held(read, "neg_tts_lm", "last_hidden_state")
    if tuple(last.shape[::2]) != (1, sizes["hidden"]) or last.ndim != 3:
        raise NoVoice(f"neg_tts_lm has states of {list(last.shape)}, not of {sizes['hidden']}")
    made["against.hidden"] = last[0, -1].clone()
    for name, tensor in made.items():
        if not tensor.is_floating_point() or not tensor.float().abs().max() < 1e4:
            raise NoVoice(f"{name} holds what is no number, or out of all range")
    return made


def _held(read: Any, part: str, name: str) -> Any:
    try:
        return read[part][name]
    except (KeyError, TypeError, IndexError):
        raise NoVoice(f"it has no {part}.{name}") from None


def _stacked(layers: Any, name: str, count: int, sizes: dict[str, int]) -> Any:
    """``[layers, heads, time, size]`` of a list of ``[1, heads, time, size]``."""
    import torch

    if not isinstance(layers, list) or len(layers) != count:
        raise NoVoice(f"{name} has not {count} layers")
    for layer in layers:
        shape = tuple(getattr(layer, "shape", ()))
        if len(shape) != 4 or shape != (1, sizes["heads"], shape[2], sizes["head_dim"]):
            raise NoVoice(f"{name} has layers of {list(shape)}, not [1, {sizes['heads']}, n, {sizes['head_dim']}]")
        if not 0 < shape[2] < sizes["positions"]:
            raise NoVoice(f"{name} has {shape[2]} positions; the limit is {sizes['positions']}")
    return torch.cat(layers).clone()


def reason_of(error: Exception) -> str:
    """In our words: torch's advise to have it run what it asks for."""
    if isinstance(error, NoVoice):
        return str(error)
    called = re.search(r"GLOBAL ([\w.]+)", str(error))
    return f"it asks for {called[1]}, which no voice needs" if called else "no tensors can be read in it"


def main() -> int:
    """The process."""
    answers, sys.stdout = sys.stdout.buffer, sys.stderr  # what libraries print is no answer
    made = b""
    try:
        import torch
        from safetensors.torch import save

        warm_up(torch, save)
        order = json.loads(sys.stdin.buffer.readline())
        data = sys.stdin.buffer.read()
        confine()
        made = save(tensors_of(read(torch, data), order["sizes"]), order["metadata"])
        told = {}
    except ImportError as error:
        told = {"error": f"it cannot be read safely here ({error})", "ours": True}
    except OSError as error:
        told = {"error": f"it cannot be read safely here ({error}); try as another user", "ours": True}
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        told = {"error": reason_of(error)}
    answers.write(json.dumps(told).encode() + b"\n" + made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
