"""One microphone's ear: bytes in, events out."""

from __future__ import annotations

import numpy as np

from .echo import EchoGate
from .events import EarEvent
from .microphone import Microphone
from .settings import EarSettings
from .silero import Scorer, SileroScorer
from .turns import Turns


class Ear:
    """Hears one user of one session. Keeps no audio. Computes at once, in the caller's thread: about 2 % of a core.

    For one thread at a time, which need not be the same one always. Its clock is the audio given to it. Tell it what is
    sent to the user's loudspeaker (``note_played``), or it takes the server's voice in the microphone for the user's.
    """

    def __init__(self, settings: EarSettings, rate: int, scorer: Scorer | None = None) -> None:
        """``rate``: Hertz of the audio that it will hear, 8000 to 48000 (G.711 is decoded first: ``audio.g711``).

        Raises ``ModelNotReady`` where the extra ``ears`` is not installed. Loading takes about 0.3 s.
        """
        self._scorer = scorer or SileroScorer()
        self._microphone = Microphone(rate)
        self._gate = EchoGate()
        self._turns = Turns(settings)

    @property
    def heard_ms(self) -> float:
        """Milliseconds of audio given so far."""
        return self._microphone.heard_s * 1000

    @property
    def speaking(self) -> bool:
        """Does the user speak, as far as it was told?"""
        return self._turns.speaking

    def hear(self, pcm: bytes) -> list[EarEvent]:
        """Take signed 16-bit little-endian mono audio, cut anywhere (half a sample is kept); return what happened.

        The events and their times do not depend on the cuts.
        """
        events: list[EarEvent] = []
        for step in self._microphone.push(pcm):
            sound = self._gate.pass_through(step, learn=not self._turns.speaking)
            event = self._turns.take(self._scorer.score(sound))
            if event is not None:
                events.append(event)
        return events

    def note_played(self, pcm: bytes, rate: int, at_ms: float | None = None) -> None:
        """Note audio that was sent to the user: signed 16-bit little-endian mono, whole samples, at ``rate`` Hertz.

        It is taken to play at real pace from now (what was heard so far) on, after what was noted before. ``at_ms``:
        the client begins to play it at that time of the heard audio. Up to 1 s late does no harm.
        """
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)
        at_s = self._microphone.heard_s if at_ms is None else at_ms / 1000
        self._gate.note_played(samples, rate, at_s)

    def follow(self, before: Ear, missed_s: float = 0.0) -> None:
        """Take over what ``before``, the user's ear until now, knows of the server's voice: what plays, and how loud.
        To be called before any audio is given; ``before`` hears no more.

        ``missed_s``: seconds of the microphone's audio between the two, which neither is given.
        """
        self._gate = before._gate
        self._gate.restart(before._microphone.heard_s + missed_s)

    def note_stopped(self) -> None:
        """Note that the user's side drops what it has not played: after an interruption."""
        self._gate.note_stopped(self._microphone.heard_s)
