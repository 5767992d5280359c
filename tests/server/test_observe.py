"""Metrics: what Prometheus reads, and the lines of metrics.log."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from syrinx.engine.record import UtteranceRecord
from syrinx.server import metrics_log
from syrinx.server.metrics_log import MetricsLog, metrics_line
from syrinx.server.observe import Metrics
from tests.fakes.live import live, until

RECORD = UtteranceRecord(
    utterance_id="a",
    protocol="realtime",
    model="fake",
    outcome="completed",
    ttfa_s=0.012,
    audible_ttfa_s=0.015,
    queue_s=0.001,
    wall_s=0.5,
    audio_s=2.0,
    audio_bytes=96_000,
    underruns=2,
    underrun_s=0.25,
    cancel_to_idle_s=None,
)
CANCELED = replace(RECORD, outcome="canceled", cancel_to_idle_s=0.004, audio_s=0.0, ttfa_s=None)
NINE_KEYS = {"ts", "request_id", "ttfb_ms", "wall_s", "audio_s", "rtf", "xrt", "kbps", "canceled"}


def test_every_figure_is_told_by_model_and_protocol():
    metrics = Metrics()
    metrics.utterance_ended(RECORD)
    metrics.utterance_ended(CANCELED)
    text = metrics.render().decode()
    by = '{model="fake",protocol="realtime"}'
    for line in (
        'syrinx_utterances_total{model="fake",outcome="canceled",protocol="realtime"} 1.0',
        f"syrinx_ttfa_seconds_count{by} 1.0",
        f"syrinx_audible_ttfa_seconds_sum{by} 0.03",
        f"syrinx_queue_wait_seconds_count{by} 2.0",
        f"syrinx_cancel_to_idle_seconds_sum{by} 0.004",
        f"syrinx_x_real_time_sum{by} 4.0",
        f"syrinx_underruns_total{by} 4.0",
        f"syrinx_underrun_seconds_total{by} 0.5",
        f"syrinx_audio_seconds_total{by} 2.0",
    ):
        assert line in text


async def test_metrics_tell_of_sockets_and_workers_when_asked():
    async with live() as server:
        async with server.socket():
            await until(lambda: server.engine.sessions)
            text = (await server.http.get("/metrics")).text
        assert 'syrinx_websockets{protocol="realtime"} 1.0' in text
        assert 'syrinx_worker_restarts_total{model="fake"} 3.0' in text
        assert 'syrinx_queued_utterances{model="fake"} 2.0' in text
        assert 'syrinx_model_ready{model="fake"} 1.0' in text
        await until(lambda: b'syrinx_websockets{protocol="realtime"} 0.0' in server.metrics.render())


def test_1_29_a_line_has_all_nine_keys_for_completed_and_canceled_ones():
    done, canceled = metrics_line(RECORD, 1000.0), metrics_line(CANCELED, 1001.0)
    assert set(done) == set(canceled) == NINE_KEYS | {"outcome"}
    assert (done["ttfb_ms"], done["rtf"], done["xrt"], done["kbps"]) == (12.0, 0.25, 4.0, 187.5)
    assert (done["canceled"], canceled["canceled"]) == (False, True)
    assert canceled["rtf"] is None and canceled["ttfb_ms"] is None


def test_1_29_lines_are_written_beside_the_caller_and_all_are_there_at_the_end(tmp_path: Path):
    path = tmp_path / "logs" / "metrics.log"
    log = MetricsLog(path, wall_clock=lambda: 1234.5678)
    metrics = Metrics(log)
    for index in range(50):
        metrics.utterance_ended(replace(RECORD, utterance_id=str(index)))
    metrics.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["request_id"] for line in lines] == [str(index) for index in range(50)]
    assert lines[0]["ts"] == 1234.568
    metrics.close()


def test_a_long_log_is_rotated_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(metrics_log, "MAX_BYTES", 1000)
    log = MetricsLog(tmp_path / "metrics.log")
    for _ in range(100):
        log.utterance_ended(RECORD)
    log.close()
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert set(sizes) <= {"metrics.log", "metrics.log.1"} and max(sizes.values()) < 1400


def test_a_disk_that_cannot_be_written_harms_nothing(tmp_path: Path):
    (tmp_path / "file").write_text("")
    log = MetricsLog(tmp_path / "file" / "metrics.log")
    log.utterance_ended(RECORD)
    log.close()
    assert not (tmp_path / "file").is_dir()
