"""Kokoro on torch: the library's network and misaki's phonemes, in pieces that are heard as they are made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from syrinx.models.base import Backend, ModelInfo, SteppedBackend
from syrinx.models.device import choose_device, choose_dtype, release_memory, set_threads

from .info import model_info
from .options import KokoroOptions
from .readers import Readers
from .steps import KokoroSteps, Speaker
from .weights import identity, load_model, load_voices

SPEEDS = (0.5, 2.0)
"""Done by the lengths of phonemes. Below, vowels drone; above, short sounds are at one frame and get no shorter."""


class KokoroBackend(Backend):
    """Open: nothing. A step on a CPU: some layers of one job's piece (``decoder``); on a GPU: one piece of each job."""

    def __init__(self, options: KokoroOptions) -> None:
        self._options = options
        self._steps: KokoroSteps | None = None

    def load(self) -> ModelInfo:
        folder = Path(self._options.weights)
        voices = load_voices(folder)
        model = self._model(folder)
        set_threads(self._options)  # the library's imports change them
        device = choose_device(self._options)
        speaker = self._network(model.to(device), choose_dtype(self._options, on_gpu="float32"))
        readers = self._readers(folder)
        info = model_info(
            name="kokoro",
            title="Kokoro",
            licence="Apache-2.0 AND GPL-3.0-or-later",
            voices=voices.listed(readers.unreadable),
            revision=f"{_version()}-{identity(folder)}-{readers.tagger}",
            max_batch=1 if device.type == "cpu" else self._options.batch,
            word_times=True,
            repeatable=True,
            native_speed=SPEEDS,
        )
        self._steps = KokoroSteps(info, voices, readers, speaker)
        return info

    def stepped(self) -> SteppedBackend:
        assert self._steps is not None, "load comes first"
        return self._steps

    def _model(self, folder: Path) -> Any:
        return load_model(folder)

    def _network(self, model: Any, dtype: Any) -> Speaker:
        from .network import Network

        return Network(model, dtype)

    def _readers(self, folder: Path) -> Readers:
        return Readers(folder)

    def unload(self) -> None:
        self._steps = None
        release_memory()


def _version() -> str:
    from importlib.metadata import version

    return f"{version('kokoro')}-{version('misaki')}"
