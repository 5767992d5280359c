"""The numbers of ``/metrics`` as plain JSON, by the names that the Chatterbox service gave them."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry


def counters(registry: CollectorRegistry) -> dict[str, Any]:
    """Sum up what was measured since the start, over all models and protocols."""
    outcomes: dict[str, float] = {}
    sums: dict[str, float] = {}
    for family in registry.collect():
        for sample in family.samples:
            if sample.name == "syrinx_utterances_total":
                outcome = sample.labels["outcome"]
                outcomes[outcome] = outcomes.get(outcome, 0.0) + sample.value
            elif "le" not in sample.labels:
                sums[sample.name] = sums.get(sample.name, 0.0) + sample.value
    processed, canceled = outcomes.pop("completed", 0.0), outcomes.pop("canceled", 0.0)
    dropped = outcomes.pop("overloaded", 0.0)
    heard = sums.get("syrinx_ttfa_seconds_count", 0.0)
    return {
        "requests_processed": int(processed),
        "requests_canceled": int(canceled),
        "requests_dropped": int(dropped),
        "errors": int(sum(outcomes.values())),
        "input_queue_size": int(sums.get("syrinx_queued_utterances", 0.0)),
        "audio_seconds": round(sums.get("syrinx_audio_seconds_total", 0.0), 3),
        "avg_first_chunk": round(sums["syrinx_ttfa_seconds_sum"] / heard, 6) if heard else None,
    }
