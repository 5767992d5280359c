"""Who steps next. Pure: the caller passes the time, the jobs that could step, and what was given to whom of late.

Listeners about to run dry come first, by the moment they do; what capacity is left is shared by weight.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from syrinx.core.types import ServiceClass

from .usage import Usage


@dataclass(frozen=True, slots=True)
class SchedulePolicy:
    """The knobs of ``pick``."""

    max_batch: int = 1
    """Most jobs of one step (``ModelInfo.max_batch``)."""
    comfortable_lead_s: float = 2.0
    """A listener with this much unheard audio has no claim to be served before bulk work."""
    protected_lead_s: float = 0.1
    """Closer than this to running dry, a stream that is being heard goes before any that is not: a gap in speech is
    worse than a later start. One long step (about 100 ms, see ``SteppedBackend.step``) fits in."""
    patience_s: float = 5.0
    """A new stream this long overdue stands beside those being heard, so that overload cannot shut it out for good."""
    interactive_quantum: int = 2048
    bulk_quantum: int = 16384
    """Shares of what is left once listeners are comfortable, in bytes of 16-bit audio a turn; their ratio counts."""
    nominal_step_s: float = 0.08
    """Audio that a row is assumed to get while one batch is filled (one codec frame at 12.5 Hz)."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """The job that a timeline would have stepped next. All times are of the caller's clock, in seconds."""

    job_id: str
    owner: str
    order: int
    """Rises with submission; settles ties."""
    service_class: ServiceClass = ServiceClass.INTERACTIVE
    due: float = math.inf
    """When the listener runs dry, or, where nothing was heard yet, when the first audio is due."""
    heard: bool = False
    """Audio of this timeline is playing now."""
    ready_at: float = -math.inf
    """Not before this: until then it is as far ahead of the play-head as it may be."""
    alone: bool = False
    """Never in a batch with others (it was being stepped when a worker died)."""


@dataclass(frozen=True, slots=True)
class Pick:
    job_ids: tuple[str, ...]
    """To be stepped together, the most urgent first; empty: nothing can step now."""
    spare: int
    """How many of them, counted from the end, were not urgent but took part of the capacity left."""
    listeners: int
    """How many could step whose listeners have less than is comfortable: they share the batches."""
    wake_at: float
    """When the next job that now waits for its play-head becomes a candidate; ``inf``: none waits."""


def pick(now: float, candidates: Iterable[Candidate], usage: Usage, policy: SchedulePolicy) -> Pick:
    """Choose at most ``policy.max_batch`` of ``candidates`` for one step. Never empty while any is ready."""
    ready: list[Candidate] = []
    wake_at = math.inf
    for candidate in candidates:
        if candidate.ready_at <= now:
            ready.append(candidate)
        elif candidate.ready_at < wake_at:
            wake_at = candidate.ready_at
    urgent = [c for c in ready if c.due - now < policy.comfortable_lead_s and c.service_class is not ServiceClass.BULK]
    chosen = _fill((), _by_urgency(now, urgent, usage, policy), policy.max_batch)
    pressed = len(chosen)
    if pressed < policy.max_batch and len(urgent) < len(ready):
        claimed = {c.order for c in urgent}
        rest = [c for c in ready if c.order not in claimed]
        chosen = _fill(chosen, _by_share(rest, usage, policy), policy.max_batch)
    return Pick(tuple(c.job_id for c in chosen), len(chosen) - pressed, len(urgent), wake_at)


def owner_key(service_class: ServiceClass, owner: str) -> Hashable:
    """Return the key under which ``Usage`` keeps what an owner got in a class; a class's own key is itself."""
    return service_class, owner


def _fill(chosen: Sequence[Candidate], line: Iterable[Candidate], size: int) -> list[Candidate]:
    """Take from the line until the batch is full; who must be alone is alone if first, else waits."""
    batch = list(chosen)
    if batch and batch[0].alone:
        return batch
    for candidate in line:
        if len(batch) >= size:
            break
        if candidate.alone and batch:
            continue
        batch.append(candidate)
        if candidate.alone:
            break
    return batch


def _by_urgency(now: float, urgent: list[Candidate], usage: Usage, policy: SchedulePolicy) -> Iterable[Candidate]:
    """Earliest due first, those about to run dry before all; once somebody did run dry, owners take turns in that."""

    def pressing(c: Candidate) -> bool:
        return c.due - now <= (policy.protected_lead_s if c.heard else -policy.patience_s)

    first = [c for c in urgent if pressing(c)]
    if not first:
        return sorted(urgent, key=_due)
    rest = sorted((c for c in urgent if not pressing(c)), key=_due)
    if all(c.due > now for c in first):
        return sorted(first, key=_due) + rest
    return itertools.chain(_take_turns(first, usage, policy.nominal_step_s), rest)


def _by_share(rest: list[Candidate], usage: Usage, policy: SchedulePolicy) -> Iterator[Candidate]:
    """Classes by their weights, owners of a class evenly, jobs of an owner by their due time, then as submitted."""
    lines: dict[ServiceClass, Iterator[Candidate]] = {}
    spent: dict[ServiceClass, float] = {}
    step: dict[ServiceClass, float] = {}
    for service_class, quantum in (
        (ServiceClass.INTERACTIVE, policy.interactive_quantum),
        (ServiceClass.BULK, policy.bulk_quantum),
    ):
        members = [c for c in rest if c.service_class is service_class]
        if members:
            lines[service_class] = _take_turns(members, usage, policy.nominal_step_s)
            spent[service_class] = usage.of(service_class) / quantum
            step[service_class] = policy.nominal_step_s / quantum
    while lines:
        least = min(lines, key=lambda c: spent[c])
        candidate = next(lines[least], None)
        if candidate is None:
            del lines[least]
            continue
        spent[least] += step[least]
        yield candidate


def _take_turns(members: list[Candidate], usage: Usage, step_s: float) -> Iterator[Candidate]:
    """Yield all members: each time the next of the owner who had least, counting what is yielded as ``step_s``."""
    queues: dict[Hashable, list[Candidate]] = {}
    for member in sorted(members, key=_due):
        queues.setdefault(owner_key(member.service_class, member.owner), []).append(member)
    line = [(usage.of(key), queue[0].order, 0, queue) for key, queue in queues.items()]
    heapq.heapify(line)
    while line:
        had, order, index, queue = line[0]
        yield queue[index]
        if index + 1 < len(queue):
            heapq.heapreplace(line, (had + step_s, order, index + 1, queue))
        else:
            heapq.heappop(line)


def _due(candidate: Candidate) -> tuple[float, int]:
    return candidate.due, candidate.order
