"""The knobs of engine and session as data, each handed down from the settings once."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from syrinx.audio.framing import Framing
from syrinx.engine.admission import AdmissionPolicy
from syrinx.voices.aliases import VoiceDefaults


@dataclass(frozen=True, slots=True)
class FirstPiece:
    """How short the first piece of an utterance is cut (``text.segmenter.SegmentPolicy``)."""

    max_words: int = 2
    boundaries: str = ".,?!;:"
    require_boundary: bool = True


@dataclass(frozen=True, slots=True)
class WarmUpPolicy:
    """What a warm-up speaks (``engine.warmup``)."""

    text: str = "Engine warmup sentence."
    language: str = "auto"
    """A tag such as ``en``; ``auto``: the voice's own."""
    on_startup: bool = False
    timeout_s: float = 300.0
    """Then it is given up. A model that compiles itself at the first sentence needs minutes."""


@dataclass(frozen=True, slots=True)
class EnginePolicy:
    admission: AdmissionPolicy = field(default_factory=AdmissionPolicy)
    first_piece: FirstPiece = FirstPiece()
    long_segments: bool = False
    """Segments hold as many sentences as the model takes at once; False: a sentence each."""
    voices: VoiceDefaults = field(default_factory=VoiceDefaults)
    warmup: WarmUpPolicy = WarmUpPolicy()
    max_text_chars: int = 200_000
    target_ttfa_s: float = 0.2
    segments_ahead: int = 2
    """Segments handed to the model at once, so that it never waits for us between two."""
    unsent_audio_s: float = 2.0
    """Most delivered audio that waits for a slow reader; it cannot be adjusted any more. What comes after it waits in
    front of the audio chain, up to the workers' window, and then the model pauses."""
    text_timeout_s: float = 120.0
    """An utterance that started and gets no text for this long is ended."""
    queue_timeout_s: float = 60.0
    """Longest wait in the line for a listener; bulk work may wait ten times as long."""
    stop_timeout_s: float = 10.0
    """Longest wait for models to stop; a supervisor needs about 3 s for one that does not listen."""
    opus_application: str = "audio"


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What one connection asks of its session."""

    protocol: str
    owner: str = ""
    """Whose it is, for fairness; empty: the session itself."""
    ordered: bool = True
    """True: utterances run, and are heard, one after the other; False: side by side, each by itself."""
    framing: Framing | None = None
    """How raw audio is cut; None: as it comes."""
    max_latency_s: float = 0.05
    """Longest time that gathered audio is held back, counted from its oldest sample."""
    marks: bool = False
    """Send ``Marks`` events."""
    max_pending: int = 128
    """Utterances that may be open at once, waiting ones included."""
    idle_flush_s: float | None = None
    """Speak buffered text after this silence; None: only at sentence ends, Flush and End."""
    max_lead_s: float = math.inf
    """Make no more than this much ahead of the listener."""
    max_untaken_s: float = math.inf
    """Pause with more than this that was not taken; never more than the engine's own bound."""
