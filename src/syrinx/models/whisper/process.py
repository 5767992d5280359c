"""Writes down what is said in one recording, in a process of its own: started for it and over with it.

Run as a file by the interpreter of its environment, which has no Syrinx: it imports none. stdin: one line of JSON
(``weights``, ``device``, ``compute_type``, ``language``), then float32 samples at ``RATE``. stdout: one line of JSON,
``{"text", "language"}`` or ``{"error"}``.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

RATE = 16_000
"""Hertz that Whisper hears."""
NEEDED = ("model.bin", "config.json", "tokenizer.json")
"""A CTranslate2 Whisper; without the last the library would ask the hub for another model's."""
BEAM = 5
"""OpenAI's own (``whisper.transcribe``). Time stamps are of no use: a clip is one window of 30 s at most."""


def transcribe(order: dict[str, Any], samples: Any) -> dict[str, str]:
    """Return ``text`` and ``language``. Raises whatever the libraries raise; ``OSError`` naming a file that is lost."""
    folder = Path(order["weights"])
    lacking = [name for name in NEEDED if not (folder / name).is_file()]
    if lacking:
        raise FileNotFoundError(f"{folder / lacking[0]} is not there")
    from faster_whisper import WhisperModel

    model = WhisperModel(str(folder), device=order["device"], compute_type=order["compute_type"])
    spoken = str(order.get("language") or "").partition("-")[0].lower()
    language = spoken if model.model.is_multilingual and spoken in model.supported_languages else None
    segments, info = model.transcribe(samples, language=language, beam_size=BEAM, without_timestamps=True)
    return {"text": " ".join("".join(segment.text for segment in segments).split()), "language": info.language}


def main() -> int:
    """The process."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    answers, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no answer
    import numpy as np

    try:
        order = json.loads(sys.stdin.buffer.readline())
        told = transcribe(order, np.frombuffer(sys.stdin.buffer.read(), np.float32))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        told = {"error": f"{type(error).__name__}: {error}"[:500]}
    answers.write(json.dumps(told) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
