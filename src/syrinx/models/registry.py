"""Which models there are and how each is made. A new model is one package under ``models/`` and one entry here.

Nothing of a model is imported before ``create``: an entry names its classes by words.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from syrinx.core.errors import ModelNotFound, ModelNotReady

from .base import Backend
from .options import options_schema, parse_options
from .weights import Weights


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model that can be served."""

    name: str
    title: str
    summary: str
    """One sentence: what it is good for."""
    licence: str
    """SPDX identifier of library and weights as run."""
    factory: str
    """``"package.module:Class"`` of the ``Backend``, constructed with its options."""
    options: str
    """``"package.module:Class"`` of its frozen options dataclass; importing it needs no model library."""
    requires: tuple[str, ...] = ()
    """Import names that must be there, in the environment that it runs in."""
    advice: str = ""
    """How to get what is missing, e.g. a pip command."""
    environment: str = ""
    """Name in ``environment.ENVIRONMENTS``; empty: it runs in the server's own."""
    weights: tuple[Weights, ...] = ()
    """Checkpoints that it can be loaded from, the default first; empty: it needs none. Its options then have
    ``weights``: a folder, or one of these repositories."""
    languages: tuple[str, ...] = ()
    """BCP 47 tags, to be known before it is loaded; empty: see its page."""
    clones: bool = False
    """As ``ModelInfo.clones``, to be known before it is loaded."""
    speaks: bool = True
    """False for stand-ins, which ``choose_auto`` takes only when nothing else is there."""

    def options_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the options in ``model_options``."""
        return options_schema(_resolve(self.options))


def _table(*entries: ModelEntry) -> Mapping[str, ModelEntry]:
    return MappingProxyType({entry.name: entry for entry in entries})


MODELS: Mapping[str, ModelEntry] = _table(
    ModelEntry(
        name="espeak",
        title="eSpeak NG",
        summary="Formant synthesis: 130+ languages, under a millisecond to first audio, no download, no GPU.",
        licence="GPL-3.0-or-later",
        factory="syrinx.models.espeak.backend:EspeakBackend",
        options="syrinx.models.espeak.options:EspeakOptions",
        requires=("espeakng_loader",),
        advice="pip install 'syrinx-tts[espeak]'",
    ),
    ModelEntry(
        name="tone",
        title="Tone",
        summary="A stand-in that beeps at a set speed and fails on demand, for tests and capacity planning.",
        licence="Apache-2.0",
        factory="syrinx.models.tone.backend:ToneBackend",
        options="syrinx.models.tone.options:ToneOptions",
        clones=True,
        speaks=False,
    ),
)
"""Every model by name, in the order in which ``choose_auto`` prefers them."""


def find(name: str) -> ModelEntry:
    """Return the entry of that name. Raises ``ModelNotFound`` listing the names there are."""
    if name not in MODELS:
        raise ModelNotFound(f"There is no model {name!r}. There are: {', '.join(MODELS)}.", param="model")
    return MODELS[name]


def importable(name: str) -> bool:
    """Whether a top-level package could be imported, without importing it."""
    return importlib.util.find_spec(name) is not None


def missing(entry: ModelEntry, installed: Callable[[str], bool] = importable) -> str | None:
    """Say what the model lacks on this machine and how to get it, as a full sentence; None when it can run."""
    absent = [name for name in entry.requires if not installed(name)]
    if not absent:
        return None
    advice = entry.advice or f"syrinx models install {entry.name}"
    return f"The model {entry.name} needs {', '.join(absent)}, which is not installed: {advice}"


def check_options(name: str, options: Mapping[str, Any]) -> None:
    """Raise what ``create`` would raise for a name or options that are wrong, without making anything."""
    parse_options(name, _resolve(find(name).options), options)


def create(name: str, options: Mapping[str, Any], installed: Callable[[str], bool] = importable) -> Backend:
    """Make the backend of a model; nothing heavy happens before its ``load``.

    Raises ``ModelNotFound``; ``ConfigError`` naming an option that is unknown, ill-typed or out of range; and
    ``ModelNotReady`` saying what is not installed.
    """
    entry = find(name)
    parsed = parse_options(name, _resolve(entry.options), options)
    lacking = missing(entry, installed)
    if lacking is not None:
        raise ModelNotReady(lacking)
    return _resolve(entry.factory)(parsed)


def _resolve(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
