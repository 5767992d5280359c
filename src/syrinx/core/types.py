"""The values that flow through Syrinx. Frozen, plain, and known to every layer; verbs live elsewhere.

Text offsets are Python string indices (Unicode code points). Times are seconds as float. Samples are float32 mono in
[-1, 1] everywhere inside; integers and containers exist only in ``audio.encode``.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import SyrinxError

Samples = NDArray[np.float32]
"""float32, shape (n,), mono, nominal range [-1, 1]."""

Options = Mapping[str, Any]
"""Model options by name; checked against ``ModelInfo.options_schema``."""


class ServiceClass(enum.Enum):
    """How an utterance is scheduled: someone listens as it is made, or it fills idle capacity."""

    INTERACTIVE = "interactive"
    BULK = "bulk"


class MarkKind(enum.Enum):
    WORD = "word"
    SENTENCE = "sentence"
    PHONEME = "phoneme"
    BOOKMARK = "bookmark"


class FinishReason(enum.Enum):
    """Why an utterance ended without an error."""

    COMPLETED = "completed"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True)
class Delivery:
    """How it is spoken. 1.0 everywhere means as the model does it by itself."""

    speed: float = 1.0
    """Times faster, 0.25 to 4.0; pitch is kept."""
    pitch: float = 1.0
    """Frequency ratio, 0.5 to 2.0; length is kept."""
    volume: float = 1.0
    """Linear gain, 0.0 to 2.0; limited, never wrapped."""


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """What the client wants to receive."""

    container: str = "pcm_s16le"
    """A name from ``audio.encode.CONTAINERS``."""
    sample_rate: int | None = None
    """Hertz, 8000 to 48000; None: the container's or the model's own."""
    bitrate: int | None = None
    """Bits per second for lossy containers; None: the container's default."""


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """Everything about an utterance but its text, which may arrive later and in pieces."""

    model: str | None = None
    voice: str | None = None
    language: str | None = None
    """BCP 47 tag; None: the voice's own."""
    delivery: Delivery = Delivery()
    options: Options = field(default_factory=dict)
    audio: AudioFormat = AudioFormat()
    service_class: ServiceClass = ServiceClass.INTERACTIVE
    seed: int | None = None
    cache: bool | None = None
    """Whether its audio may come from, and go to, the response cache; None: as the settings and the model say."""


@dataclass(frozen=True, slots=True)
class VoicePrompt:
    """What a model derived from a cloned voice's reference clip, as the file it reads it from."""

    digest: str
    """SHA-256 of the file, hexadecimal: two prompts that sound alike have one, and a changed one has another."""
    path: str
    """Of ``prompt.safetensors`` on the machine of the worker."""


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open [start, end) of text offsets."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happens at a time in the audio and a place in the text.

    Inside a worker the span counts the job's spoken text and times start at the job's first sample; in server events
    the span counts the utterance's original text and times start at the utterance's first sample as delivered.
    """

    kind: MarkKind
    span: Span
    start_s: float
    end_s: float
    estimated: bool = False
    """True where the time was derived from lengths and not reported by the model."""
    name: str = ""
    """Bookmark name or phoneme symbol; empty for words and sentences."""


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """A run of audio of no fixed length, as a model makes it."""

    samples: Samples
    sample_rate: int
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True)
class SynthesisJob:
    """One segment to speak: all a backend ever sees of a request."""

    job_id: str
    text: str
    """Spoken form (normalised), non-empty."""
    voice: str
    """A voice id of the model, or of a cloned voice where ``prompt`` is set."""
    language: str
    delivery: Delivery = Delivery()
    """Only what the model does natively (see ``ModelInfo.native_speed`` ...); the rest is done by ``audio``."""
    options: Options = field(default_factory=dict)
    seed: int | None = None
    utterance_id: str = ""
    segment_index: int = 0
    is_last: bool = True
    prompt: VoicePrompt | None = None
    """The cloned voice to speak in; None: a voice of the model's own."""


@dataclass(frozen=True, slots=True)
class EncodedAudio:
    """Bytes ready for the wire."""

    data: bytes
    samples: int
    """Samples this stands for at the delivered rate (0 for headers and trailers)."""
    sample_rate: int
    media_type: str
    segment_index: int = 0
    span: Span = Span(0, 0)
    """The segment's place in the utterance's original text."""

    @property
    def duration_s(self) -> float:
        return self.samples / self.sample_rate


# --- from a client -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Open:
    """Start an utterance. ``utterance_id`` is the client's own and unique within its session while it lives."""

    utterance_id: str
    request: SpeechRequest
    idle_flush_s: float | None = None
    """Speak buffered text after this silence, above 0; None: as the session does."""
    lane: str = ""
    """In a session whose utterances run side by side: those of one lane run one after the other. Empty: it has none."""


@dataclass(frozen=True, slots=True)
class Append:
    """More text for an open utterance, whole or token by token."""

    utterance_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Flush:
    """Speak what is buffered now; the utterance stays open."""

    utterance_id: str


@dataclass(frozen=True, slots=True)
class End:
    """No more text; the utterance finishes when all of it is spoken."""

    utterance_id: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop now and drop unsent audio. Answered by exactly one Finished(CANCELED); where the utterance has ended by
    itself and may still be heard, by one Interrupted."""

    utterance_id: str
    played_s: float | None = None
    """Seconds of its audio that the listener says to have heard; None: judged by what was handed over when."""


@dataclass(frozen=True, slots=True)
class Barge:
    """The listener speaks over the audio: every utterance of the session is canceled, and what was delivered and not
    yet heard, of finished ones too, is dropped. What is opened next is due at once. Answered by one Finished(CANCELED)
    for each that was open, and by one Interrupted for each that had finished and was not all heard."""

    utterance_id: str | None = None
    """The utterance that the listener says to be at: in an ordered session those before it were heard, those behind it
    not. None, or one that is not known: all are judged by what was handed over when."""
    played_s: float | None = None
    """As in ``Cancel``, of that utterance."""


@dataclass(frozen=True, slots=True)
class Adjust:
    """Change how an open utterance is spoken from here on, what was made ahead included. None keeps a value."""

    utterance_id: str
    speed: float | None = None
    pitch: float | None = None
    volume: float | None = None


ClientEvent = Open | Append | Flush | End | Cancel | Barge | Adjust


# --- to a client ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Accepted:
    """Taken: it runs now or waits its turn. Comes before all else of the utterance."""

    utterance_id: str


@dataclass(frozen=True, slots=True)
class Started:
    """Work began: model and voice are chosen."""

    utterance_id: str
    model: str
    voice: str
    sample_rate: int
    """Of the audio delivered, Hertz."""


@dataclass(frozen=True, slots=True)
class Audio:
    utterance_id: str
    audio: EncodedAudio


@dataclass(frozen=True, slots=True)
class Marks:
    """Marks in original-text offsets, sent no later than the audio they fall in."""

    utterance_id: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class SegmentDone:
    """All audio of one segment was emitted."""

    utterance_id: str
    index: int
    span: Span
    """In the utterance's original text."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The utterance ended without an error; nothing follows but, where it was still being heard, an Interrupted."""

    utterance_id: str
    reason: FinishReason
    samples: int
    audio_s: float
    spoken_until: int
    """Original-text offset that the listener has heard up to (all of it when completed): 0, or the end of a word."""
    text: str = ""
    """All that came to be spoken, as the client sent it."""

    @property
    def heard(self) -> str:
        """What the listener has heard of the text: every word that began, with the marks behind it."""
        return self.text[: self.spoken_until]

    @property
    def remaining(self) -> str:
        """The rest of the text: what was not begun, was made and dropped, or was never made."""
        return self.text[self.spoken_until :]


@dataclass(frozen=True, slots=True)
class Interrupted:
    """An utterance that had finished was still being heard when the listener stopped it (``Cancel``, ``Barge``)."""

    utterance_id: str
    spoken_until: int
    """As in ``Finished`` when canceled."""
    text: str

    @property
    def heard(self) -> str:
        """As ``Finished.heard``."""
        return self.text[: self.spoken_until]

    @property
    def remaining(self) -> str:
        """As ``Finished.remaining``."""
        return self.text[self.spoken_until :]


@dataclass(frozen=True, slots=True)
class Failed:
    """The utterance ended with an error; nothing follows. ``samples`` were delivered before it."""

    utterance_id: str
    error: SyrinxError
    samples: int = 0
    spoken_until: int = 0


ServerEvent = Accepted | Started | Audio | Marks | SegmentDone | Finished | Failed | Interrupted
