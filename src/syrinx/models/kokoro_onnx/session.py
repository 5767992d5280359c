"""Kokoro's network on onnxruntime, through the library kokoro-onnx."""

from __future__ import annotations

import importlib
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from syrinx.core.errors import ModelNotReady
from syrinx.models.kokoro.steps import Line, Spoken
from syrinx.models.kokoro.timing import FRAME, SAMPLE_RATE, Frames
from syrinx.models.kokoro.voices import Voices, checked, is_voice

REMEDY = "Fetch it again: syrinx models install kokoro-onnx"


class Session:
    """A ``Speaker``. ``kokoro`` is a ``kokoro_onnx.Kokoro``. Its noise is the graph's own: no seed reaches it."""

    def __init__(self, kokoro: Any) -> None:
        self._kokoro = kokoro

    @property
    def alphabet(self) -> frozenset[str]:
        return frozenset(self._kokoro.tokenizer.vocab)

    @property
    def times(self) -> bool:
        """Whether the file tells how long each phoneme is; the first ones published do not."""
        return bool(self._kokoro.has_timings)

    def say(self, lines: Sequence[Line]) -> list[Spoken]:
        return [self._say(line) for line in lines]

    def begin(self, line: Line) -> Iterator[Spoken | None]:
        yield self._say(line)  # the graph is one call

    def _say(self, line: Line) -> Spoken:
        """One call of the graph: no splitting, no trimming, no pauses put in."""
        audio, _, timings = self._kokoro.create_timed(
            line.phonemes,
            line.style[None],  # a pack of one style: the row for this many phonemes was chosen before
            is_phonemes=True,
            trim=False,
            sentence_pause=0.0,
            clause_pause=0.0,
        )
        samples = np.clip(np.asarray(audio, np.float32), -1.0, 1.0)
        return Spoken(samples, _frames(timings, len(samples)) if self.times else None)


def _frames(timings: Sequence[Any], samples: int) -> Frames:
    """From when each phoneme is spoken to how many frames it lasts, silence at both ends included."""
    edges = [0.0, *(timing.start for timing in timings), timings[-1].end, samples / SAMPLE_RATE]
    return np.diff(np.round(np.asarray(edges) * SAMPLE_RATE / FRAME)).astype(np.int64)


def open_session(folder: Path, name: str, threads: int) -> Session:
    """Load the network. Raises ``ModelNotReady`` naming the file."""
    import onnxruntime

    library: Any = importlib.import_module("kokoro_onnx")
    providers = importlib.import_module("kokoro_onnx.session").resolve_providers()
    file = model_file(folder, name)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads or int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
    settings.inter_op_num_threads = 1
    settings.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(file), settings, providers=providers)
        _check(session)
        return Session(library.Kokoro.from_session(session, str(voices_file(folder))))
    except ModelNotReady:
        raise
    except Exception as error:  # onnxruntime has a tree of its own, by what is wrong with the file
        reason = " ".join(str(error).split())[:200]
        raise ModelNotReady(f"{file} is truncated, or no Kokoro network ({reason}). {REMEDY}") from error


def model_file(folder: Path, name: str) -> Path:
    """The network's file. Raises ``ModelNotReady`` where it is not there."""
    if name:
        if not (folder / name).is_file():
            raise ModelNotReady(f"{folder / name} is not there. Leave the option file out, or name one that is.")
        return folder / name
    found = sorted(folder.glob("*.onnx"), key=lambda file: (file.stat().st_size, file.name))
    if not found:
        raise ModelNotReady(f"{folder} has no file such as kokoro-v1.0.onnx. {REMEDY}")
    return found[-1]


def voices_file(folder: Path) -> Path:
    """The voices' file. Raises ``ModelNotReady`` where it is not there."""
    found = sorted(folder.glob("voices*.bin"))
    if not found:
        raise ModelNotReady(f"{folder} has no file such as voices-v1.0.bin. {REMEDY}")
    return found[-1]


def load_voices(folder: Path) -> Voices:
    """The voices, which are one NumPy archive; no pickle in it is read. Raises ``ModelNotReady``."""
    file = voices_file(folder)
    try:
        with np.load(file, allow_pickle=False) as archive:
            packs: Mapping[str, NDArray[Any]] = {name: archive[name] for name in archive.files if is_voice(name)}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise ModelNotReady(f"{file} is truncated, or no archive of voices ({error}). {REMEDY}") from error
    if not packs:
        raise ModelNotReady(f"{file} has no voice such as af_heart. {REMEDY}")
    return Voices({name: checked(name, pack, str(file), REMEDY) for name, pack in packs.items()})


def _check(session: Any) -> None:
    """Raise ``ValueError`` for another model's graph."""
    inputs = {entry.name for entry in session.get_inputs()}
    if not {"style", "speed"} <= inputs or not inputs & {"input_ids", "tokens"}:
        raise ValueError(f"it takes {', '.join(sorted(inputs))}")
