"""Makes a voice of a pickled preset, which ``unpickle.py`` reads in a confined process."""

from __future__ import annotations

import json
import subprocess
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

from syrinx.core.errors import InvalidRequest, ModelNotReady
from syrinx.models.presets import MAX_BYTES

from . import unpickle
from .checkpoint import read_config
from .voices import metadata_for

TIMEOUT_S = 300.0
"""Importing torch takes most of it, on a busy machine."""


def convert(data: bytes, weights: Path, python: Path) -> bytes:
    """Return the safetensors of a voice of that checkpoint: a ``presets.Converter``."""
    config, sizes = read_config(weights)
    order = {"sizes": asdict(sizes), "metadata": metadata_for(sizes.digest(config))}
    said = _run([str(python), "-I", unpickle.__file__], json.dumps(order).encode() + b"\n" + data)
    head, newline, made = said.partition(b"\n")
    try:
        told: dict[str, Any] = json.loads(head)
    except ValueError:
        told = {}
    if "error" in told and told.get("ours"):
        raise ModelNotReady(f"The preset was not converted: {told['error']}.")
    if "error" in told or not newline or not made or len(said) == MAX_BYTES:
        reason = told.get("error") or "what read it was stopped"
        raise InvalidRequest(f"It is no preset of this model: {reason}.", code="bad_preset")
    return made


def _run(command: list[str], given: bytes) -> bytes:
    """What it answers, and no more than a voice can have. Nothing of our environment goes with it."""
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"OMP_NUM_THREADS": "1"},
        )
    except OSError as error:
        raise ModelNotReady(f"The preset was not converted: {error}.") from None
    late = threading.Timer(TIMEOUT_S, process.kill)
    late.start()
    with process:
        assert process.stdin is not None and process.stdout is not None, "they were asked for"
        try:
            with process.stdin:
                process.stdin.write(given)
            return process.stdout.read(MAX_BYTES)
        except BrokenPipeError:
            return b""
        finally:
            late.cancel()
            process.kill()
