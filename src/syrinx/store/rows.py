"""What is recorded and what is read back: plain values, cheap to import."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class JobRow:
    """One utterance that has ended, as it is kept: figures only, never text, keys or addresses. Times are seconds."""

    ended_at: float
    """Unix time."""
    utterance_id: str
    protocol: str
    model: str
    """Empty when none was resolved."""
    outcome: str
    """``"completed"``, ``"canceled"`` or the ``code`` of the error that ended it."""
    owner: str
    """The fingerprint of the key it was asked for with; empty: none was needed."""
    cached: bool
    """All of its audio came from the response cache."""
    ttfa_s: float | None
    audible_ttfa_s: float | None
    queue_s: float
    wall_s: float
    audio_s: float
    audio_bytes: int
    underruns: int
    underrun_s: float
    cancel_to_idle_s: float | None


@dataclass(frozen=True, slots=True)
class JobSummary:
    """The utterances that ended in a window of time. Figures are None where no utterance of the window has one."""

    since: float
    """Unix time, inclusive."""
    until: float
    """Unix time, exclusive."""
    count: int
    completed: int
    canceled: int
    failed: int
    cached: int
    """Of ``count``, those that came from the response cache as a whole."""
    ttfa_p50_s: float | None
    """Request to first audio, nearest rank, over all utterances that came to it."""
    ttfa_p95_s: float | None
    ttfa_p99_s: float | None
    mean_xrt: float | None
    """Mean of audio time / wall time over completed utterances: greater is faster."""
    mean_rtf: float | None
    """Mean of wall time / audio time over the same: smaller is faster."""
    audio_s: float
    """Delivered, all together."""

    @property
    def canceled_rate(self) -> float | None:
        """Share of ``count``, 0 to 1."""
        return self.canceled / self.count if self.count else None

    @property
    def failed_rate(self) -> float | None:
        """Share of ``count``, 0 to 1."""
        return self.failed / self.count if self.count else None


@dataclass(frozen=True, slots=True)
class Retention:
    """How much history is kept; what is over either bound goes, the oldest first."""

    days: float = 30.0
    rows: int = 200_000
    """About 50 MB in SQLite."""


@dataclass(frozen=True, slots=True)
class IndexRow:
    """One entry of the response cache as the database keeps it."""

    key: str
    """SHA-256 of what was asked for (``workers.caching.key``), hexadecimal; also the name of its file."""
    size: int
    """Bytes of its file."""
    used_at: float
    """Unix time of the last use."""
    prompt: str = ""
    """Digest of the voice prompt of a cloned voice; empty: a voice of the model's own."""
