"""What is measured, for Prometheus: one registry of our own, fed by utterance records and read at ``/metrics``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from syrinx.engine.record import UtteranceRecord
from syrinx.server.metrics_log import MetricsLog
from syrinx.workers.host import HostState

if TYPE_CHECKING:
    from syrinx.engine.catalog import ModelStatus

LATENCY_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Bucket edges from espeak's first sound (about 1 ms) to a wait nobody sits through."""
X_REAL_TIME = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
BY = ("model", "protocol")


class Metrics:
    """Implements ``engine.record.Observer``. ``log`` gets a line per utterance too."""

    def __init__(self, log: MetricsLog | None = None) -> None:
        self._log = log
        self.registry = CollectorRegistry()
        registry = self.registry
        self._ended = Counter("syrinx_utterances", "Utterances ended", (*BY, "outcome"), registry=registry)
        self._ttfa = _latency("syrinx_ttfa_seconds", "Request to first audio", registry)
        self._audible = _latency("syrinx_audible_ttfa_seconds", "Request to first sample above -60 dBFS", registry)
        self._queue = _latency("syrinx_queue_wait_seconds", "Wait for admission", registry)
        self._idle = _latency("syrinx_cancel_to_idle_seconds", "Cancel to the model's stop", registry)
        self._speed = Histogram(
            "syrinx_x_real_time", "Audio time / wall time", BY, buckets=X_REAL_TIME, registry=registry
        )
        self._underruns = Counter("syrinx_underruns", "Times that a listener's buffer ran dry", BY, registry=registry)
        self._dry_s = Counter("syrinx_underrun_seconds", "Time that listeners' buffers were dry", BY, registry=registry)
        self._audio_s = Counter("syrinx_audio_seconds", "Audio delivered", BY, registry=registry)
        self.sockets = Gauge("syrinx_websockets", "Open WebSockets", ("protocol",), registry=registry)

    def utterance_ended(self, record: UtteranceRecord) -> None:
        """Count one utterance. Fast; file writes happen elsewhere."""
        by = (record.model, record.protocol)
        self._ended.labels(*by, record.outcome).inc()
        self._queue.labels(*by).observe(record.queue_s)
        self._underruns.labels(*by).inc(record.underruns)
        self._dry_s.labels(*by).inc(record.underrun_s)
        self._audio_s.labels(*by).inc(record.audio_s)
        for histogram, value in (
            (self._ttfa, record.ttfa_s),
            (self._audible, record.audible_ttfa_s),
            (self._idle, record.cancel_to_idle_s),
        ):
            if value is not None:
                histogram.labels(*by).observe(value)
        if record.outcome == "completed" and record.wall_s > 0:
            self._speed.labels(*by).observe(record.audio_s / record.wall_s)
        if self._log is not None:
            self._log.utterance_ended(record)

    def watch_models(self, models: Callable[[], Sequence[ModelStatus]]) -> None:
        """Read restarts, running jobs and readiness of every model whenever metrics are asked for."""
        self.registry.register(_Models(models))

    def render(self) -> bytes:
        """The Prometheus text form."""
        return generate_latest(self.registry)

    def close(self) -> None:
        """Write out what is left."""
        if self._log is not None:
            self._log.close()


def _latency(name: str, text: str, registry: CollectorRegistry) -> Histogram:
    return Histogram(name, text, BY, buckets=LATENCY_S, registry=registry)


class _Models(Collector):
    def __init__(self, models: Callable[[], Sequence[ModelStatus]]) -> None:
        self._models = models

    def collect(self) -> Iterable[Metric]:
        restarts = CounterMetricFamily("syrinx_worker_restarts", "Times a worker was started again", labels=["model"])
        running = GaugeMetricFamily("syrinx_running_jobs", "Jobs that a model works on", labels=["model"])
        queued = GaugeMetricFamily("syrinx_queued_utterances", "Utterances that wait for admission", labels=["model"])
        ready = GaugeMetricFamily("syrinx_model_ready", "1 while the model can speak", labels=["model"])
        for model in self._models():
            restarts.add_metric([model.name], model.status.restarts)
            running.add_metric([model.name], model.status.running_jobs)
            queued.add_metric([model.name], model.queued)
            ready.add_metric([model.name], float(model.status.state is HostState.READY))
        return [restarts, running, queued, ready]
