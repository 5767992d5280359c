"""One job on its way from tokens to windows of the codec. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from .frames import Frame, Framer
from .windows import Planner, Window, WindowPolicy


@dataclass(frozen=True, slots=True)
class Piece:
    """Frames to decode together, and which of them to keep."""

    frames: tuple[Frame, ...]
    first: int
    """Place of the first in the job: noise depends on it."""
    skip: int
    """Frames left out at the beginning of what is decoded."""
    keep: int
    seed: int


class Speech:
    """Tokens in, pieces to decode out. Frames that nothing to come needs are forgotten."""

    def __init__(self, audio_base: int, policy: WindowPolicy, seed: int) -> None:
        self._framer = Framer(audio_base)
        self._planner = Planner(policy)
        self._behind = policy.behind
        self._frames: list[Frame] = []
        self._forgotten = 0
        self._ended = False
        self._seed = seed

    def feed(self, ids: tuple[int, ...], ended: bool) -> None:
        """Take tokens, and whether they were the last."""
        self._frames += self._framer.feed(ids)
        self._ended = self._ended or ended

    @property
    def frames(self) -> int:
        """Whole frames that came so far."""
        return self._forgotten + len(self._frames)

    @property
    def finished(self) -> bool:
        """All that came was given out, and no more comes."""
        return self._ended and self._planner.kept == self.frames

    def due(self) -> Piece | None:
        """The next piece, if it can be decoded already."""
        window = self._planner.due(self.frames, self._ended)
        return None if window is None else self._piece(window)

    def _piece(self, window: Window) -> Piece:
        frames = tuple(self._frames[window.lo - self._forgotten : window.hi - self._forgotten])
        needless = max(0, window.end - self._behind) - self._forgotten
        self._forgotten += max(0, needless)
        del self._frames[: max(0, needless)]
        return Piece(frames, window.lo, window.start - window.lo, window.end - window.start, self._seed)
