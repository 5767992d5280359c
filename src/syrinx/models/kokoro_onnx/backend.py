"""Kokoro on onnxruntime, in the same pieces as on torch; see ``models.kokoro``."""

from __future__ import annotations

import hashlib
from pathlib import Path

from syrinx.models.base import Backend, ModelInfo, SteppedBackend
from syrinx.models.kokoro.info import model_info
from syrinx.models.kokoro.readers import Readers
from syrinx.models.kokoro.steps import KokoroSteps

from .options import KokoroOnnxOptions
from .session import load_voices, model_file, open_session, voices_file

END_BYTES = 65_536
"""What is read of a file's end to tell it from others: tensors of the last layers, and the archive's checksums."""

MOST = 40
"""Phonemes aimed at in the longest piece: 3 s of audio. The graph is one call, for which a cancel and everyone else
waits (measured: 0.7 of real time on one core)."""


class KokoroOnnxBackend(Backend):
    """A step says one piece of one job. Speed is the audio chain's: the graph rounds every phoneme to whole frames, so
    that speed 2 would come out as 1.6 where they last three."""

    def __init__(self, options: KokoroOnnxOptions) -> None:
        self._options = options
        self._steps: KokoroSteps | None = None

    def load(self) -> ModelInfo:
        folder = Path(self._options.weights)
        voices = load_voices(folder)
        session = open_session(folder, self._options.file, self._options.threads)
        readers = self._readers(folder)
        info = model_info(
            name="kokoro-onnx",
            title="Kokoro (ONNX)",
            licence="Apache-2.0 AND MIT AND GPL-3.0-or-later",
            voices=voices.listed(readers.unreadable),
            revision=f"{_version()}-{_identity(folder, self._options.file)}-{readers.tagger}",
            word_times=session.times,
        )
        self._steps = KokoroSteps(info, voices, readers, session, most=MOST)
        return info

    def stepped(self) -> SteppedBackend:
        assert self._steps is not None, "load comes first"
        return self._steps

    def unload(self) -> None:
        self._steps = None

    def _readers(self, folder: Path) -> Readers:
        return Readers(folder)


def _identity(folder: Path, name: str) -> str:
    """Changes with the network and the voices; reads little of them."""
    digest = hashlib.sha256()
    for file in (model_file(folder, name), voices_file(folder)):
        size = file.stat().st_size
        digest.update(f"{file.name} {size}".encode())
        with open(file, "rb") as stream:
            stream.seek(max(0, size - END_BYTES))
            digest.update(stream.read())
    return digest.hexdigest()[:16]


def _version() -> str:
    from importlib.metadata import version

    return f"{version('kokoro-onnx')}-{version('misaki')}"
