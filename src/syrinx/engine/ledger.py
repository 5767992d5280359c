"""What one utterance's listener got and when: first audio, underruns, how far in the text; ends as a record."""

from __future__ import annotations

from collections.abc import Iterable

from syrinx.core.clock import Clock
from syrinx.core.types import Audio, Mark, ServerEvent
from syrinx.engine.playhead import Player, Playhead, Reading
from syrinx.engine.record import UtteranceRecord


class Ledger:
    """Counts for one utterance; every time is read from the clock it is given. ``player``: see ``Playhead``."""

    def __init__(self, utterance_id: str, protocol: str, clock: Clock, player: Player | None = None) -> None:
        self._id = utterance_id
        self._protocol = protocol
        self._clock = clock
        self._opened_at = self._asked_at = clock.now()
        self._ended_at: float | None = None
        self._entered_line_at: float | None = None
        self._left_line_at: float | None = None
        self._ttfa_s: float | None = None
        self._audible_ttfa_s: float | None = None
        self._bytes = 0
        self._samples = 0
        self._playhead = Playhead(player)
        self._reading = Reading()
        self._segments = 0
        self._cached_segments = 0
        self.model = ""
        self.owner = ""

    @property
    def samples(self) -> int:
        """Samples handed over."""
        return self._samples

    def heard_s(self, played_s: float | None = None) -> float:
        """Seconds of the audio handed over that the listener has heard: as they say, else judged by the clock."""
        if played_s is None:
            return self._playhead.heard_s(self._clock.now())
        return min(max(0.0, played_s), self.delivered_s)

    def heard_until(self, played_s: float | None = None) -> int:
        """The original-text offset behind the last word that has begun for the listener. ``played_s``: see
        ``heard_s``."""
        return self._reading.until(self.heard_s(played_s))

    @property
    def is_heard(self) -> bool:
        """Whether nothing that was handed over is left to be heard."""
        return self.heard_s() >= self.delivered_s

    @property
    def delivered_s(self) -> float:
        return self._playhead.delivered_s

    def asked(self) -> None:
        """The text to speak came only now: first audio is counted from here."""
        self._asked_at = self._clock.now()

    @property
    def cached(self) -> bool:
        """Every segment so far came from the response cache."""
        return self._segments > 0 and self._cached_segments == self._segments

    def segment_ended(self, *, cached: bool) -> None:
        """All audio of a segment was emitted; ``cached``: none of it was made by the model."""
        self._segments += 1
        self._cached_segments += cached

    def waiting_s(self) -> float:
        """Seconds since the listener asked."""
        return self._clock.now() - self._asked_at

    def joined_line(self) -> None:
        self._entered_line_at = self._clock.now()

    def left_line(self) -> None:
        self._left_line_at = self._clock.now()

    def marked(self, marks: Iterable[Mark]) -> None:
        """Note marks in original text and delivered time."""
        self._reading.add(marks)

    def passed_segment(self, at_s: float, end: int) -> None:
        """See ``Reading.pass_segment``."""
        self._reading.pass_segment(at_s, end)

    def handed_over(self, event: ServerEvent, audible_from: int | None) -> None:
        """Note that the client takes ``event`` now.

        ``audible_from``: samples of the utterance before the first message with something loud enough to hear; None:
        there was none yet.
        """
        if not isinstance(event, Audio) or not event.audio.samples:
            return
        waited_s = self.waiting_s()
        if self._ttfa_s is None:
            self._ttfa_s = waited_s
        self._bytes += len(event.audio.data)
        self._samples += event.audio.samples
        if self._audible_ttfa_s is None and audible_from is not None and self._samples > audible_from:
            self._audible_ttfa_s = waited_s
        self._playhead.deliver(self._clock.now(), event.audio.duration_s)

    def dropped(self) -> None:
        """The listener stops here and throws away what it has not heard."""
        self._playhead.drop(self._clock.now())

    def ended(self) -> None:
        """The utterance ends now; what is learnt later (when the model stopped) does not lengthen it."""
        self._ended_at = self._clock.now()

    def record(self, outcome: str, cancel_to_idle_s: float | None = None) -> UtteranceRecord:
        """Sum up, now that the utterance has ended."""
        ended_at = self._clock.now() if self._ended_at is None else self._ended_at
        return UtteranceRecord(
            utterance_id=self._id,
            protocol=self._protocol,
            model=self.model,
            outcome=outcome,
            ttfa_s=self._ttfa_s,
            audible_ttfa_s=self._audible_ttfa_s,
            queue_s=self._queue_s(ended_at),
            wall_s=ended_at - self._opened_at,
            audio_s=self._playhead.delivered_s,
            audio_bytes=self._bytes,
            underruns=self._playhead.underruns,
            underrun_s=self._playhead.underrun_s,
            cancel_to_idle_s=cancel_to_idle_s,
            owner=self.owner,
            cached=self.cached,
        )

    def _queue_s(self, ended_at: float) -> float:
        """Time in the line; for one that never got out of it, until it gave up."""
        if self._entered_line_at is None:
            return 0.0
        return (ended_at if self._left_line_at is None else self._left_line_at) - self._entered_line_at
