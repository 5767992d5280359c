"""Takes the server's own voice out of what a microphone hears, by level: what is no louder than that voice's echo could
be is silence. Pure; its clock is the audio that was heard.

The path of the echo is known by two numbers only: it is no later than ``DELAY_S``, and no louder than ``coupling``
times what was sent. A canceller that subtracts would need the delay to the sample; between a server and a loudspeaker
lie a network and a client's buffers, and it changes with every answer (docs/decisions/0012-ears.md).
"""

from __future__ import annotations

import math
from array import array
from collections import deque

import numpy as np
from numpy.typing import NDArray

from syrinx.core.types import Samples

from .silero import RATE, STEP

BLOCK = 128
"""Samples at ``RATE`` whose power is one value: 8 ms, below a pitch period of few voices."""
PER_STEP = STEP // BLOCK
PER_S = RATE / BLOCK
DELAY_S = 1.0
"""The longest from the moment that audio is sent until it is heard: network, client's buffers, devices, room."""
MEMORY_S = 1.5
"""Levels are compared over this time; longer than ``DELAY_S`` by enough to hold a syllable."""
ASSUMED_DB = -15.0
"""How loud an echo is taken to be until one was heard. Higher: who interrupts the first words is heard later."""
LOUDEST_DB = -6.0
"""How loud an echo is taken to be at most: a user would have to shout over a louder one."""
MARGIN_DB = 5.0
"""How much louder than the loudest echo in ``DELAY_S`` a sound must be."""
HOLD_S = 0.1
"""What follows so soon after what was let through is let through: a voice is not torn between its pitch periods."""
LEARNT_S = 10.0
"""Of the server's speech: over this time the coupling is estimated."""
SHARE = 0.1
"""Of that time in which the bound may be below the estimate: the lowest ones come from single sounds of the voice that
the room swallows. With 0, ten times as many false alarms; with 0.2, a user is heard 10 ms later (ears.md)."""
QUIET = 1e-6
"""Power (-60 dBFS) below which what was sent is a pause that tells nothing of the echo."""
MAX_AHEAD_S = 3600.0
"""Sent audio that is kept to be played: what is beyond it is not expected."""

Powers = NDArray[np.float32]


class EchoGate:
    """Silences what the server's own voice explains."""

    def __init__(self) -> None:
        self._sent = SentLevels()
        self._coupling = CouplingEstimate()
        count = round(MEMORY_S * PER_S) + PER_STEP
        self._heard_powers = np.zeros(count, np.float32)
        self._sent_powers = np.zeros(count, np.float32)
        self._hold = 0

    def note_played(self, samples: Samples, rate: int, at_s: float) -> None:
        """Sound that begins to play at ``at_s`` of the heard audio, or when what was noted before has been played."""
        self._sent.note(samples, rate, at_s)

    def note_stopped(self, at_s: float) -> None:
        """What was to be played after ``at_s`` is not played."""
        self._sent.stop(at_s)

    def restart(self, at_s: float) -> None:
        """Count times from ``at_s`` of the heard audio on. What is missing of it up to then is not known."""
        missed = self._sent.skip(at_s)
        self._sent_powers = _shifted(self._sent_powers, missed)
        self._heard_powers = _shifted(self._heard_powers, np.full(len(missed), np.inf, np.float32))

    @property
    def coupling_db(self) -> float:
        """How loud the echo is taken to be, against what was sent."""
        return self._coupling.db

    def pass_through(self, step: Samples, *, learn: bool) -> Samples:
        """The next step, silent where only the server's voice can be in it. ``learn``: nobody else speaks."""
        powers = np.square(step, dtype=np.float32).reshape(PER_STEP, BLOCK).mean(axis=1)
        self._heard_powers = _shifted(self._heard_powers, powers)
        self._sent_powers = _shifted(self._sent_powers, self._sent.take(PER_STEP))
        if learn:
            self._coupling.learn(self._heard_powers, self._sent_powers)
        open_blocks = self._open(powers)
        if open_blocks.all():
            return step
        return step * np.repeat(open_blocks, BLOCK)

    def _open(self, powers: Powers) -> NDArray[np.bool_]:
        loudest = self._sent_powers[-round(DELAY_S * PER_S) - PER_STEP :].max()
        above = powers > loudest * self._coupling.value * 10 ** (MARGIN_DB / 10)
        for block in range(PER_STEP):
            self._hold = round(HOLD_S * PER_S) if above[block] else max(0, self._hold - 1)
            above[block] = self._hold > 0
        return above


class CouplingEstimate:
    """The power of the echo over the power of what was sent.

    An echo of what was sent between ``MEMORY_S`` and ``DELAY_S`` ago lies within the last ``MEMORY_S``, however late it
    is. So what was heard in that time is at least as loud, and its peak over the peak of what was sent is a bound
    from above, whoever else spoke and whatever the delay. One of the least bounds of the last ``LEARNT_S`` is taken.
    """

    def __init__(self) -> None:
        self._most = 10 ** (LOUDEST_DB / 10)
        self._bounds: deque[float] = deque(maxlen=round(LEARNT_S * PER_S / PER_STEP))
        self.value = 10 ** (ASSUMED_DB / 10)

    @property
    def db(self) -> float:
        return float(10 * np.log10(max(self.value, 1e-12)))

    def learn(self, heard: Powers, sent: Powers) -> None:
        """Both the last ``MEMORY_S`` and a step, oldest first; infinite: not known."""
        before, loudest = sent[: -round(DELAY_S * PER_S) - PER_STEP].max(), heard.max()
        if before > QUIET and loudest < np.inf:
            self._bounds.append(float(loudest / before))
            self.value = min(self._most, sorted(self._bounds)[int(SHARE * len(self._bounds))])


class SentLevels:
    """The levels of what was sent, by the time at which it plays: one after the other without a gap."""

    def __init__(self) -> None:
        self._powers = array("f")
        self._taken = 0
        self._meter = Meter(RATE)

    def note(self, samples: Samples, rate: int, at_s: float) -> None:
        """Add what plays from ``at_s`` on or after what is there already, whichever is later."""
        begin = round(at_s * PER_S) - self._taken
        if begin > len(self._powers) or rate != self._meter.rate:
            self._meter = Meter(rate)
            self._powers.extend([0.0] * (begin - len(self._powers)))
        room = round(MAX_AHEAD_S * PER_S) - len(self._powers)
        self._powers.extend(self._meter.push(samples)[: max(0, room)].tolist())

    def stop(self, at_s: float) -> None:
        """Forget what plays after ``at_s``."""
        del self._powers[max(0, round(at_s * PER_S) - self._taken) :]

    def take(self, count: int) -> Powers:
        """The levels of the next blocks of the heard audio, 0 where nothing plays."""
        powers = np.zeros(count, np.float32)
        known = self._powers[:count]
        powers[: len(known)] = known
        del self._powers[:count]
        self._taken += count
        return powers

    def skip(self, at_s: float) -> Powers:
        """Take what plays up to ``at_s``, which from now on is the time 0. A block too much: no echo is early then."""
        powers = self.take(max(0, math.ceil(at_s * PER_S) - self._taken))
        self._taken = 0
        return powers


class Meter:
    """The power of each 8 ms of a sound of any rate."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._step = BLOCK * rate / RATE
        self._block = 0
        self._rest = np.empty(0, np.float32)

    def push(self, samples: Samples) -> Powers:
        """The powers of the blocks that are whole now."""
        samples = np.concatenate((self._rest, samples))
        first = round(self._block * self._step)
        count = max(0, int((first + len(samples)) / self._step) - self._block)
        edges = np.rint(np.arange(self._block, self._block + count + 1) * self._step).astype(np.intp) - first
        self._block += count
        self._rest = samples[edges[-1] :]
        if not count:
            return np.empty(0, np.float32)
        sums = np.add.reduceat(np.square(samples[: edges[-1]]), edges[:-1])
        return (sums / np.diff(edges)).astype(np.float32)


def _shifted(levels: Powers, new: Powers) -> Powers:
    return np.concatenate((levels, new))[-len(levels) :]
