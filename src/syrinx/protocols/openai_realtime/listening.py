"""What the client's microphone sends: measured, judged by an ear where turns are to be detected, and forgotten."""

from __future__ import annotations

import base64
import binascii
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

from syrinx.audio.encode import container
from syrinx.audio.g711 import decode_alaw, decode_mulaw
from syrinx.core.errors import InvalidRequest, Overloaded
from syrinx.core.ids import new_id
from syrinx.core.types import AudioFormat
from syrinx.ears.events import EarEvent
from syrinx.ears.settings import EarSettings
from syrinx.protocols.jsonwire import Fields, string
from syrinx.protocols.openai_realtime.conversation import Item
from syrinx.protocols.openai_realtime.settings import SessionSettings

MAX_WAITING_S = 30.0
"""Of audio that was not judged yet; an ear that is so far behind hears nobody interrupt."""
MAX_PLAYED_S = 60.0
"""Of what was spoken while the microphone sends nothing: older echoes are not heard any more."""
_TO_PCM = {"pcm_s16le": bytes, "mulaw": decode_mulaw, "alaw": decode_alaw}


class Ear(Protocol):
    """What is needed of ``ears.ear.Ear``."""

    def hear(self, pcm: bytes) -> Sequence[EarEvent]: ...
    def note_played(self, pcm: bytes, rate: int) -> None: ...
    def note_stopped(self) -> None: ...
    def follow(self, before: Self, missed_s: float) -> None: ...


MakeEar = Callable[[EarSettings, int], Ear]
"""Called with the settings and the microphone's rate in Hertz; raises ``ModelNotReady``. Takes time, as ears do."""


def rate_of(audio: AudioFormat) -> int:
    """Hertz of a format of this dialect, which always has one."""
    assert audio.sample_rate is not None, "formats are read with their rate"
    return audio.sample_rate


def seconds_of(data: bytes, audio: AudioFormat) -> float:
    """How long that lasts."""
    return len(data) / container(audio.container).bytes_per_sample / rate_of(audio)


def audio_item(item_id: str) -> Item:
    """The item of what a listener said: nothing is known of it but that."""
    return Item(item_id, "user", [{"type": "input_audio", "transcript": None}])


@dataclass(slots=True)
class InputBuffer:
    """What was appended, of which only the length is kept."""

    uncommitted_s: float = 0.0
    total_s: float = 0.0
    turn: str | None = None
    """The id of the item that what is being said now will be."""

    def append(self, seconds: float) -> None:
        """So much more came."""
        self.uncommitted_s += seconds
        self.total_s += seconds

    def commit(self, until_s: float | None = None) -> Item:
        """Make an item of what came since the last one, up to a time of the session's audio: what came behind it is
        the next one's. Raises ``InvalidRequest`` where nothing did."""
        if not self.uncommitted_s:
            raise InvalidRequest("The input audio buffer is empty.", code="input_audio_buffer_commit_empty")
        behind_s = 0.0 if until_s is None else max(0.0, self.total_s - until_s)
        self.uncommitted_s = min(self.uncommitted_s, behind_s)
        item_id, self.turn = self.turn or new_id("item"), None
        return audio_item(item_id)


def audio_of(fields: Fields, audio: AudioFormat) -> bytes:
    """The audio of an ``input_audio_buffer.append``, as it is sent. Raises ``InvalidRequest``."""
    value = string(fields, "audio")
    if value is None:
        raise InvalidRequest("'audio' is missing.", code="missing_required_parameter", param="audio")
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest("'audio' is not base64.", code="invalid_value", param="audio") from None
    if len(data) % container(audio.container).bytes_per_sample:
        raise InvalidRequest("'audio' ends in the middle of a sample.", code="invalid_value", param="audio")
    return data


@dataclass(frozen=True, slots=True)
class Hear:
    """What takes time: to judge the audio that came. Asked once at a time, and answered with ``judge``."""

    listener: Listener
    played: tuple[tuple[bytes, AudioFormat] | None, ...]
    """What was spoken since the last time; None: what was not heard of it was dropped there."""
    pcm: bytes

    def judge(self) -> Sequence[EarEvent]:
        """What the ear hears in it. Raises ``ModelNotReady`` where there is no ear to be had."""
        ear = self.listener.ear()
        for sound in self.played:
            if sound is None:
                ear.note_stopped()
            else:
                data, audio = sound
                ear.note_played(_TO_PCM[audio.container](data), rate_of(audio))
        return ear.hear(self.pcm)


@dataclass(slots=True)
class Listener:
    """Listens for turns with settings that stay: an ear, made with the first audio, and what waits to be judged."""

    settings: SessionSettings
    make: MakeEar
    began_s: float
    """How much audio had come before."""
    _ear: Ear | None = None
    _asked: bool = False
    """It has been asked something, perhaps just now, and so has an ear, or will."""
    _before: Listener | None = None
    """The last one before it that was asked something: its ear knows what is being played."""
    _missed_s: float = 0.0
    """How much audio came since then that no ear is given."""
    _waiting: list[bytes] = field(default_factory=list)
    _waiting_s: float = 0.0
    _played: deque[tuple[bytes, AudioFormat] | None] = field(default_factory=deque)
    _played_s: float = 0.0

    def follow(self, before: Listener) -> None:
        """Listen in place of ``before``, of which nothing waits any more but its answer: to echoes of what is played
        already."""
        self._before = before if before._asked else before._before
        self._missed_s = before._waiting_s if before._asked else before._missed_s + before._waiting_s
        self._played, self._played_s = before._played, before._played_s

    def ear(self) -> Ear:
        """The ear itself. Only for whoever judges."""
        if self._ear is None:
            turns = self.settings.turn_detection
            assert turns is not None, "who listens knows what for"
            before, self._before = self._before, None  # kept no longer, nor those before it
            self._ear = self.make(turns.ear, rate_of(self.settings.heard))
            if before is not None and before._ear is not None:
                self._ear.follow(before._ear, self._missed_s)
        return self._ear

    def take(self, data: bytes) -> None:
        """Audio of the microphone, as it was sent. Raises ``Overloaded`` where too much waits."""
        if self._waiting_s > MAX_WAITING_S:
            raise Overloaded("Audio comes faster than it can be listened to.", retry_after_s=1.0)
        self._waiting.append(data)
        self._waiting_s += seconds_of(data, self.settings.heard)

    def played(self, data: bytes, audio: AudioFormat) -> None:
        """Note what is spoken: it may be heard by the microphone too."""
        self._played.append((data, audio))
        self._played_s += seconds_of(data, audio)
        while self._played_s > MAX_PLAYED_S:
            oldest = self._played.popleft()
            self._played_s -= seconds_of(*oldest) if oldest is not None else 0.0

    def stopped(self) -> None:
        """Note that what was spoken and not heard is dropped."""
        if not self._played or self._played[-1] is not None:
            self._played.append(None)

    def question(self) -> Hear | None:
        """What is to be judged now; None: nothing is."""
        if not self._waiting:
            return None
        pcm = _TO_PCM[self.settings.heard.container](b"".join(self._waiting))
        question = Hear(self, tuple(self._played), pcm)
        self._asked = True
        self._waiting, self._waiting_s = [], 0.0
        self._played.clear()
        self._played_s = 0.0
        return question

    def since_start_ms(self, ear_ms: int) -> int:
        """A time of the ear's, counted from the session's first audio."""
        return round(1000 * self.began_s) + ear_ms
