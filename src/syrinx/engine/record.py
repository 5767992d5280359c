"""What is measured of one utterance: plain numbers that observers (metrics, logs) turn into their own forms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class UtteranceRecord:
    """Written once, when an utterance has ended in any way. Times are seconds; None: it did not come to that."""

    utterance_id: str
    protocol: str
    model: str
    """Empty when none was resolved."""
    outcome: str
    """``"completed"``, ``"canceled"`` or the ``code`` of the error that ended it."""
    ttfa_s: float | None
    """From Open (or the first text, if later) to the first audio handed to the client, primer excluded."""
    audible_ttfa_s: float | None
    """Likewise to the first sample above -60 dBFS."""
    queue_s: float
    """Waiting for admission."""
    wall_s: float
    """From Open to the end."""
    audio_s: float
    """Delivered."""
    audio_bytes: int
    underruns: int
    """Times that the listener's buffer ran dry, judged by what was handed over when."""
    underrun_s: float
    cancel_to_idle_s: float | None
    """From the cancel to the model's word that it stopped."""
    owner: str = ""
    """Who asked: the fingerprint of a key (``key-...``), or an address where no key is needed."""
    cached: bool = False
    """All of its audio came from the response cache, so it says nothing of the model."""


class Observer(Protocol):
    """Told of what happens. Must not raise and must not take long."""

    def utterance_ended(self, record: UtteranceRecord) -> None: ...


class Observers:
    """Several observers as one, told in this order."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def utterance_ended(self, record: UtteranceRecord) -> None:
        for observer in self._observers:
            observer.utterance_ended(record)


class NoObserver:
    """Listens to nothing."""

    def utterance_ended(self, record: UtteranceRecord) -> None:
        return None
