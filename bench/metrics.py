"""Reads a histogram from a server's Prometheus page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

EDGE_ROUNDING = 1e-9
"""Edges are decimal text; sums of seconds are binary."""


@dataclass(frozen=True, slots=True)
class Histogram:
    """All label sets added up."""

    count: int
    total: float
    buckets: Mapping[float, int]
    """Upper edge to the number of values up to it."""

    @property
    def mean(self) -> float:
        return self.total / self.count if self.count else math.nan

    @property
    def bound(self) -> float:
        """The smallest edge that no value was above."""
        return min((edge for edge, within in self.buckets.items() if within == self.count), default=math.inf)

    def share_within(self, limit: float) -> float:
        """The share of values surely at or below ``limit``: what the last bucket that ends by then has counted."""
        within = [count for edge, count in self.buckets.items() if edge <= limit + EDGE_ROUNDING]
        return max(within, default=0) / self.count if self.count else 0.0


def read_histogram(page: str, name_part: str) -> Histogram:
    """Find the histogram whose name holds ``name_part``. Raises ``LookupError`` if there is none."""
    for family in text_string_to_metric_families(page):
        if family.type != "histogram" or name_part not in family.name:
            continue
        count, total, buckets = 0, 0.0, dict[float, int]()
        for sample in family.samples:
            if sample.name.endswith("_bucket"):
                edge = float(sample.labels["le"])
                buckets[edge] = buckets.get(edge, 0) + int(sample.value)
            elif sample.name.endswith("_count"):
                count += int(sample.value)
            elif sample.name.endswith("_sum"):
                total += sample.value
        return Histogram(count, total, buckets)
    raise LookupError(f"The server has no histogram of {name_part!r}.")
