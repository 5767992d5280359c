"""Where in the delivered audio a sample of the model's lies, while the speed changes. Pure."""

from __future__ import annotations

from bisect import bisect_right


class TimeMap:
    """Piecewise linear, rising. Positions are samples of one rate, not necessarily whole."""

    def __init__(self, speed: float = 1.0) -> None:
        """``speed`` > 0: samples in per sample out."""
        self._ins = [0.0]
        self._outs = [0.0]
        self._speeds = [speed]

    @property
    def speed(self) -> float:
        """The latest."""
        return self._speeds[-1]

    def change(self, at: float, speed: float) -> None:
        """From position ``at`` of the input on, not before the last change, it is ``speed``."""
        if speed == self._speeds[-1]:
            return
        out = self.out(at)
        if at <= self._ins[-1]:
            self._speeds[-1] = speed
            return
        self._ins.append(at)
        self._outs.append(out)
        self._speeds.append(speed)

    def out(self, position: float) -> float:
        """Where a position of the input lies in the output; before 0 as right after it."""
        i = max(0, bisect_right(self._ins, position) - 1)
        return self._outs[i] + (position - self._ins[i]) / self._speeds[i]

    def at(self, out: float) -> float:
        """Where a position of the output comes from."""
        i = max(0, bisect_right(self._outs, out) - 1)
        return self._ins[i] + (out - self._outs[i]) * self._speeds[i]

    def forget(self, before: float) -> None:
        """Positions of the input before this one are not asked for again."""
        drop = max(0, bisect_right(self._ins, before) - 1)
        del self._ins[:drop], self._outs[:drop], self._speeds[:drop]
