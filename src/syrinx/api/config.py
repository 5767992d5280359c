"""What an engine in a program of one's own is made of, checked where it is written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syrinx.core.errors import ConfigError

AUTO = "auto"
FOUNDING_MODEL = "tts_models/en/ljspeech/vits_phoneme"
"""The founding module's default, a name that no model ever had; it means ``AUTO``."""
SAMPLE_RATES = (8_000, 48_000)
"""Hertz, the least and the most."""
CHUNK_S = (0.005, 10.0)
MAX_PAD_S = 10.0


@dataclass(frozen=True, slots=True)
class TTSConfig:
    """The founding module's fields, then ours. Raises ``ConfigError`` for what cannot be honoured, at once or, where it
    depends on the model, at ``TTSEngine.initialize``."""

    model_name: str = AUTO
    """A name of ``syrinx models``; ``auto``: the first speech model that can run here."""
    sample_rate: int = 24_000
    """Hertz of what is delivered, 8000 to 48000; other rates of models are resampled to it."""
    device: str = AUTO
    """Where the model runs, in its own words (``cuda``); models that run on the CPU take ``auto`` and ``cpu``."""
    streaming: bool = True
    """False: ``synthesize_streaming`` gives all of an utterance as one chunk, once it is made."""
    chunk_size: int | None = None
    """Samples of a chunk, for devices that take blocks of a fixed size; None: ``streaming_chunk_duration``."""
    pad_length: int = 0
    """Samples of silence after an utterance, up to 10 s."""
    reference_audio: str | Path | bytes | None = field(default=None, repr=False)
    """A recording (a file, or its bytes) of the voice to speak in, for models that clone; None: the model's own."""
    emotion: str = "normal"
    """``normal``; no model takes another yet."""
    streaming_chunk_duration: float = 0.08
    """Seconds of a chunk, 0.005 to 10."""
    model_options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the model (its page in the documentation lists them)."""
    data_dir: str | Path | None = None
    """Folder of cloned voices and models; None: ``.data``, as for the command line."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Further settings of the engine by name (``api.plan.ENGINE_SETTINGS``)."""

    def __post_init__(self) -> None:
        for name, kind in _KINDS.items():
            _check_kind(name, getattr(self, name), kind)
        _check_range("sample_rate", self.sample_rate, *SAMPLE_RATES)
        _check_range("streaming_chunk_duration", self.streaming_chunk_duration, *CHUNK_S)
        if self.chunk_size is not None:
            _check_range("chunk_size", self.chunk_size, 1, round(CHUNK_S[1] * self.sample_rate))
        _check_range("pad_length", self.pad_length, 0, round(MAX_PAD_S * self.sample_rate))
        if self.emotion != "normal":
            raise ConfigError(
                f"No model here can speak with the emotion {self.emotion!r}; leave it at 'normal'.", param="emotion"
            )

    @property
    def model(self) -> str:
        """The name of the model, or ``auto``."""
        return AUTO if self.model_name in ("", FOUNDING_MODEL) else self.model_name

    @property
    def chunk_samples(self) -> int | None:
        """How many samples a chunk has; None: an utterance is one chunk."""
        if not self.streaming:
            return None
        return self.chunk_size or round(self.streaming_chunk_duration * self.sample_rate)


_KINDS: Mapping[str, tuple[type, ...]] = {
    "model_name": (str,),
    "sample_rate": (int,),
    "device": (str,),
    "streaming": (bool,),
    "chunk_size": (int, type(None)),
    "pad_length": (int,),
    "reference_audio": (str, Path, bytes, type(None)),
    "emotion": (str,),
    "streaming_chunk_duration": (int, float),
    "model_options": (Mapping,),
    "data_dir": (str, Path, type(None)),
    "settings": (Mapping,),
}


def _check_kind(name: str, value: object, kinds: tuple[type, ...]) -> None:
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        allowed = " or ".join("None" if kind is type(None) else kind.__name__ for kind in kinds)
        raise ConfigError(f"{name} must be {allowed}, not {value!r:.100}.", param=name)


def _check_range(name: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:  # also true of NaN
        raise ConfigError(f"{name} is {value}; choose {least:g} to {most:g}.", param=name)
