"""When each chunk of a stream is heard: arithmetic only. Times are seconds on one clock."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heard:
    """One chunk of audio on its way to the ear."""

    gap_since_prev: float
    """From the arrival of the one before (of the first: from the request) to its own."""
    playback_wait: float
    """From when it entered the queue to when its playback began."""
    playback_dur: float
    """How long it sounds."""
    ends_at: float


class PlayQueue:
    """A queue of at most ``prefetch`` chunks before a player that begins once ``start_after`` of them are there.

    A chunk enters it when it has arrived and there is room: when the chunk ``prefetch`` places before it is played.
    """

    def __init__(self, prefetch: int, start_after: int, asked_at: float) -> None:
        self._prefetch = prefetch
        self._start_after = start_after
        self._arrivals = [asked_at]
        self._begins: list[float] = []
        self._ends_at = asked_at
        self._complete = False

    def arrived(self, now: float) -> None:
        """A chunk came."""
        self._arrivals.append(now)

    def complete(self) -> None:
        """No more chunks come."""
        self._complete = True

    @property
    def may_play(self) -> bool:
        """Whether the next chunk is there, and playback has begun or may begin."""
        there = len(self._arrivals) - 1
        return there > len(self._begins) and (bool(self._begins) or self._complete or there >= self._start_after)

    @property
    def is_over(self) -> bool:
        """Whether everything was played and nothing more comes."""
        return self._complete and len(self._arrivals) - 1 == len(self._begins)

    def play(self, now: float, duration_s: float) -> Heard:
        """The next chunk is taken out at ``now``: it is heard then, or when the one before it ends."""
        index = len(self._begins)
        arrived, before = self._arrivals[index + 1], self._arrivals[index]
        room_at = self._begins[index - self._prefetch] if index >= self._prefetch else arrived
        begins = max(now, self._ends_at) if self._begins else now
        self._begins.append(begins)
        self._ends_at = begins + duration_s
        return Heard(arrived - before, max(begins - max(arrived, room_at), 0.0), duration_s, self._ends_at)
