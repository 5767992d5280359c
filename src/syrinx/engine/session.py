"""One connection's utterances: which runs when, what goes out in which order, and what a cancel takes back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from syrinx.core.errors import InvalidRequest, Overloaded
from syrinx.core.ids import new_id
from syrinx.core.types import (
    Accepted,
    Adjust,
    Append,
    Audio,
    Barge,
    Cancel,
    ClientEvent,
    End,
    Failed,
    Finished,
    FinishReason,
    Flush,
    Interrupted,
    Open,
    ServerEvent,
    Started,
)
from syrinx.engine.playhead import Player
from syrinx.engine.policy import SessionOptions
from syrinx.engine.services import Place, Services
from syrinx.engine.unheard import Unheard, play_heads
from syrinx.engine.utterance import Utterance


class Session:
    """Takes client events at once, gives server events in order. One consumer; not thread-safe.

    Of an ordered session the first utterance that is not all made runs and the others wait for it, also where it has
    no text yet and they have: their order is what the client asked for. One that gets no text ends by itself after
    ``EnginePolicy.text_timeout_s``, so the line never stands for longer than that.
    """

    def __init__(
        self, options: SessionOptions, services: Services, on_close: Callable[[Session], None] | None = None
    ) -> None:
        self.id = new_id("ses")
        self._options = options
        self._services = services
        self._on_close = on_close
        self._utterances: dict[str, Utterance] = {}
        self._line: deque[Utterance] = deque()
        self._player = Player()
        self._unheard = Unheard()
        self._timeline = self.id
        self._outbox: deque[tuple[ServerEvent, Utterance | None]] = deque()
        """What the client has not taken yet; a canceled utterance's end belongs to none any more."""
        self._untaken_cancels = 0
        self._unsent_s = 0.0
        self._max_unsent_s = min(options.max_untaken_s, services.policy.unsent_audio_s)
        self.wake = asyncio.Event()
        """Set whenever ``take`` may have something or ``over`` may have become true; whoever waits on it clears it."""
        self._room = asyncio.Event()
        self._room.set()
        self._changed = asyncio.Event()
        self._draining = False
        self._closed = False

    @property
    def over(self) -> bool:
        """True when ``take`` will never give anything again: closed, or drained and all utterances have ended."""
        return self._closed or (self._draining and not self._utterances and not self._outbox)

    async def idle(self) -> None:
        """Return once no utterance is open and every event was taken, or the session is closed."""
        while not self._closed and (self._utterances or self._outbox):
            self._changed.clear()
            await self._changed.wait()

    def send(self, event: ClientEvent) -> None:
        """Act on a client event; never blocks.

        Raises ``InvalidRequest`` for an unknown or duplicate utterance, text after its end or past its bound, and
        ``Overloaded`` when too many utterances are open on this connection.
        """
        if isinstance(event, Open):
            self._open(event)
            return
        if isinstance(event, Barge):
            self._barge(event)
            return
        utterance = self._utterances.get(event.utterance_id)
        if utterance is None:
            if isinstance(event, Cancel) and self._interrupt(event):
                return
            raise InvalidRequest(f"There is no open utterance {event.utterance_id!r}.", code="unknown_utterance")
        if isinstance(event, Append):
            utterance.append(event.text)
        elif isinstance(event, Flush):
            utterance.flush()
        elif isinstance(event, End):
            utterance.end()
        elif isinstance(event, Adjust):
            utterance.adjust(event)
        else:
            self._cancel(utterance, event.played_s)

    def take(self) -> ServerEvent | None:
        """Return the next event if one is there. The caller hands it to the client at once."""
        if not self._outbox:
            return None
        event, utterance = self._outbox.popleft()
        if isinstance(event, Audio):
            self._take_back(event)
        if utterance is None:
            self._untaken_cancels -= 1
        else:
            utterance.handed_over(event)
            if isinstance(event, Finished | Failed):
                self._forget(utterance)
            if isinstance(event, Finished) and event.reason is FinishReason.COMPLETED:
                self._unheard.add(utterance.said)
        self._changed.set()
        return event

    async def next(self) -> ServerEvent | None:
        """Wait for the next event. None once closed, or drained and all utterances have ended."""
        while (event := self.take()) is None:
            if self.over:
                return None
            self.wake.clear()
            await self.wake.wait()
        return event

    def drain(self) -> None:
        """Take no more ``Open``; what is open runs to its end."""
        self._draining = True
        self.wake.set()

    def close(self) -> None:
        """Cancel everything and end. Idempotent."""
        if self._closed:
            return
        self._closed = True
        for utterance in list(self._utterances.values()):
            utterance.cancel()
        self._utterances.clear()
        self._line.clear()
        self._outbox.clear()
        self._unheard.clear()
        self.wake.set()
        self._changed.set()
        if self._on_close is not None:
            self._on_close(self)

    # --- inside ----------------------------------------------------------------------------------------------------

    def _open(self, event: Open) -> None:
        if self._closed or self._draining:
            raise InvalidRequest("This session takes no new utterances.", code="session_ended")
        if event.utterance_id in self._utterances:
            raise InvalidRequest(f"The utterance {event.utterance_id!r} is open already.", code="duplicate_utterance")
        pending = len(self._utterances) + self._untaken_cancels
        if pending >= self._options.max_pending:
            raise Overloaded(f"{pending} utterances are open on this connection already.", 1.0)
        utterance = self._utterance(event)
        self._utterances[utterance.id] = utterance
        self._unheard.forget(utterance.id)
        self._emit(Accepted(utterance.id), utterance)
        self._line.append(utterance)
        if self._next_of(utterance) is utterance:
            utterance.start(self._on_end)

    def _next_of(self, utterance: Utterance) -> Utterance | None:
        """The first in the line that ``utterance`` stands in."""
        if self._options.ordered:
            return self._line[0] if self._line else None
        if not utterance.lane:
            return utterance
        return next((other for other in self._line if other.lane == utterance.lane), None)

    def _utterance(self, event: Open) -> Utterance:
        ordered, owner = self._options.ordered, self._options.owner or self.id
        place = Place(
            timeline=(lambda: self._timeline) if ordered else (lambda: ""),
            player=self._player if ordered else Player(),
            emit=self._emit,
            room=self._room.wait,
            owner=owner,
        )
        return Utterance(event, self._options, place, self._services)

    def _forget(self, utterance: Utterance) -> None:
        """The utterance has had its last event: its id is free again."""
        if self._utterances.get(utterance.id) is utterance:
            del self._utterances[utterance.id]

    def _on_end(self, utterance: Utterance) -> None:
        """All of it is made (or given up): the next in line may start."""
        if utterance in self._line:
            first = self._next_of(utterance) is utterance
            self._line.remove(utterance)
            following = self._next_of(utterance) if first else None
            if following is not None and following is not utterance:
                following.start(self._on_end)
        self.wake.set()
        self._changed.set()

    def _barge(self, event: Barge) -> None:
        """Cancel all, the waiting first so that none of them starts; then begin anew: the old is played no more."""
        played_s = play_heads([*self._unheard.names, *self._utterances], event, ordered=self._options.ordered)
        for interrupted in self._unheard.stop_all(played_s):
            self._emit_last(interrupted)
        for utterance in reversed(list(self._utterances.values())):
            self._cancel(utterance, played_s[utterance.id])
        self._player = Player()
        self._timeline = new_id("tml")

    def _interrupt(self, event: Cancel) -> bool:
        """Stop one that has ended and may still be heard; False: it is not known."""
        interrupted = self._unheard.stop(event.utterance_id, event.played_s)
        if interrupted is not None:
            self._emit_last(interrupted)
        return interrupted is not None

    def _cancel(self, utterance: Utterance, played_s: float | None) -> None:
        last_heard = not self._line or utterance is self._line[0] or utterance not in self._line
        finished = utterance.cancel(played_s)
        if last_heard and self._player.busy_until <= self._services.clock.now():
            self._timeline = new_id("tml")  # nothing is left to be heard, so what comes next is due at once
        kept = deque[tuple[ServerEvent, Utterance | None]]()
        for event, owner in self._outbox:
            if owner is utterance and not isinstance(event, Accepted | Started):
                if isinstance(event, Audio):
                    self._take_back(event)
            else:
                kept.append((event, owner))
        self._outbox = kept
        self._emit_last(finished)
        self._forget(utterance)
        self._on_end(utterance)

    def _emit_last(self, event: Finished | Interrupted) -> None:
        """Tell of one that is of no account any more."""
        self._untaken_cancels += 1
        self._emit(event, None)

    def _emit(self, event: ServerEvent, utterance: Utterance | None) -> None:
        self._outbox.append((event, utterance))
        if isinstance(event, Audio):
            self._unsent_s += event.audio.duration_s
            if self._unsent_s > self._max_unsent_s:
                self._room.clear()
        self.wake.set()

    def _take_back(self, event: Audio) -> None:
        self._unsent_s -= event.audio.duration_s
        if self._unsent_s <= self._max_unsent_s:
            self._room.set()
