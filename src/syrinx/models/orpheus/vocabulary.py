"""Which tokens a draw chooses from: those of the slot that is due, or all of them. In torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from .frames import CODES, SLOTS
from .ids import TokenIds


class Vocabulary(ABC):
    """Over the rows of the output layer, ``head`` (vocabulary, width)."""

    def __init__(self, head: Any, ids: TokenIds) -> None:
        self._head = head
        self._ids = ids

    @abstractmethod
    def unused(self) -> Any:
        """What of a job's tokens was used, at its beginning: bool."""

    @abstractmethod
    def logits(self, hidden: Any, slot: int, may_stop: Any) -> Any:
        """Float32 (jobs, n) of ``hidden`` (jobs, width); ``may_stop`` bool (jobs, 1)."""

    @abstractmethod
    def used(self, jobs: list[Any], slot: int) -> Any:
        """Bool (jobs, n), of what ``unused`` gave and ``use`` changed."""

    @abstractmethod
    def token(self, place: int, slot: int) -> int:
        """The id at a place of ``logits``."""

    @abstractmethod
    def use(self, job: Any, token: int) -> None:
        """Note a token as used."""


class SlotVocabulary(Vocabulary):
    """The 4096 codes of the slot that is due and, between frames, the ids that end speech: frames are always whole, and
    only those rows of the output layer are computed."""

    def __init__(self, head: Any, ids: TokenIds) -> None:
        super().__init__(head, ids)
        self._stops = head[list(ids.stops)]

    def unused(self) -> Any:
        import torch

        return torch.zeros((SLOTS, CODES + len(self._ids.stops)), dtype=torch.bool, device=self._head.device)

    def logits(self, hidden: Any, slot: int, may_stop: Any) -> Any:
        import torch

        low = self._ids.audio_base + slot * CODES
        codes = (hidden @ self._head[low : low + CODES].T).float()
        if slot:
            return codes
        stops = (hidden @ self._stops.T).float().masked_fill(~may_stop, -torch.inf)
        return torch.cat((codes, stops), -1)

    def used(self, jobs: list[Any], slot: int) -> Any:
        import torch

        return torch.stack([job[slot] for job in jobs])[:, : None if slot == 0 else CODES]

    def token(self, place: int, slot: int) -> int:
        if place >= CODES:
            return self._ids.stops[place - CODES]
        return self._ids.audio_base + slot * CODES + place

    def use(self, job: Any, token: int) -> None:
        slot, code = divmod(token - self._ids.audio_base, CODES)
        job[slot, code] = True


class WholeVocabulary(Vocabulary):
    """Every token, as the servers of text draw."""

    def unused(self) -> Any:
        import torch

        return torch.zeros(len(self._head), dtype=torch.bool, device=self._head.device)

    def logits(self, hidden: Any, slot: int, may_stop: Any) -> Any:
        import torch

        logits = (hidden @ self._head.T).float()
        stops = list(self._ids.stops)
        logits[:, stops] = logits[:, stops].masked_fill(~may_stop, -torch.inf)
        return logits

    def used(self, jobs: list[Any], slot: int) -> Any:
        import torch

        return torch.stack(jobs)

    def token(self, place: int, slot: int) -> int:
        return place

    def use(self, job: Any, token: int) -> None:
        job[token] = True
