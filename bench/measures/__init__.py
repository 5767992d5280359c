"""One module per figure; ``MEASURES`` lists them by name in the order of the table."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from bench.figure import Effort, Figure

from . import (
    at_rest,
    barge_in,
    barge_in_by_ear,
    base64_cpu,
    cache_hit,
    cancel,
    cartesia_contexts,
    cycles,
    dialects,
    first_audio,
    first_byte,
    gapless,
    many_clients,
    python_api,
    rates,
    soak,
    stopped_reader,
)

Measure = Callable[[Effort], Coroutine[Any, Any, list[Figure]]]

MEASURES: Mapping[str, Measure] = {
    "first-audio": first_audio.measure,
    "first-byte": first_byte.measure,
    "cache-hit": cache_hit.measure,
    "gapless": gapless.measure,
    "cancel": cancel.measure,
    "many-clients": many_clients.measure,
    "cartesia-contexts": cartesia_contexts.measure,
    "at-rest": at_rest.measure,
    "stopped-reader": stopped_reader.measure,
    "dialects": dialects.measure,
    "base64-cpu": base64_cpu.measure,
    "barge-in": barge_in.measure,
    "barge-in-by-ear": barge_in_by_ear.measure,
    "rates": rates.measure,
    "cycles": cycles.measure,
    "python-api": python_api.measure,
    "soak": soak.measure,
}
