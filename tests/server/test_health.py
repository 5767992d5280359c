"""Liveness, readiness, the state of models and the numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from syrinx.engine.record import UtteranceRecord
from syrinx.server.health import gpu_facts
from tests.fakes.engine import FakeEngine
from tests.fakes.live import Live, live, until

KEYS = {
    "ok",
    "device",
    "cuda_available",
    "gpu_name",
    "device_index",
    "gpu_mem_free_bytes",
    "gpu_mem_total_bytes",
    "ffmpeg_available",
    "voices",
    "speed",
    "split_pattern",
    "stream_chunk_seconds",
}


async def test_1_28_healthz_answers_whether_or_not_a_model_is_ready():
    for ready in (True, False):
        async with live(FakeEngine(ready=ready)) as server:
            assert (await server.http.get("/healthz")).json() == {"ok": True}


async def test_1_28_readyz_is_503_with_the_reason_until_the_engine_is_ready():
    async with live(FakeEngine(ready=False)) as server:
        response = await server.http.get("/readyz")
    assert response.status_code == 503 and response.json() == {"detail": "fake: starting loading"}


async def test_1_28_readyz_tells_what_is_true_of_this_server():
    async with live(default_speed=1.5, stream_chunk_seconds=0.1) as server:
        response = await server.http.get("/readyz")
    facts = response.json()
    assert response.status_code == 200 and set(facts) == KEYS
    assert facts["voices"] == {"female": "eve", "male": "adam"}
    assert (facts["speed"], facts["stream_chunk_seconds"], facts["ffmpeg_available"]) == (1.5, 0.1, True)


async def test_health_lists_every_model_with_its_state():
    async with live() as server:
        body = (await server.http.get("/health")).json()
    assert body["models"][0] | {"name": "fake", "state": "ready", "restarts": 3, "default": True} == body["models"][0]


async def test_4_05_health_tells_the_truth_of_the_default_model():
    async with live() as server:
        answer = await server.http.get("/health")
    body = answer.json()
    assert (answer.status_code, body["status"], body["backend"], body["model_loaded"]) == (200, "healthy", "fake", True)
    assert body["sample_rate"] == 24_000 and "reason" not in body


async def test_3_10_health_is_503_and_unhealthy_with_the_reason_before_a_model_is_ready():
    async with live(FakeEngine(ready=False)) as server:
        answer = await server.http.get("/health")
    body = answer.json()
    assert (answer.status_code, body["status"], body["model_loaded"]) == (503, "unhealthy", False)
    assert body["reason"] == "fake: starting loading" and body["sample_rate"] is None


async def test_3_10_health_counts_open_connections_and_names_the_start_mode():
    async with live(profile="throughput", chunk_tokens=40) as server:
        async with server.socket():
            body = (await server.http.get("/health")).json()
        await until(lambda: _connections(server) == 0)
    assert (body["active_connections"], body["mode"], body["chunk_size"]) == (1, "batch", 40)
    assert set(body["gpu"]) == {"gpu_id", "gpu_name", "memory_allocated_gb"}


def _connections(server: Live) -> float:
    return server.metrics.registry.get_sample_value("syrinx_websockets", {"protocol": "realtime"}) or 0


RECORD = UtteranceRecord("u", "p", "m", "completed", 0.2, 0.2, 0.0, 1.0, 2.0, 10, 0, 0.0, None)


async def test_3_10_metrics_are_json_for_who_asks_for_json_and_prometheus_text_for_others():
    async with live() as server:
        for outcome in ("completed", "completed", "canceled", "overloaded", "model_failed", "empty_text"):
            server.metrics.utterance_ended(replace(RECORD, outcome=outcome))
        numbers = (await server.http.get("/metrics", headers={"accept": "application/json"})).json()
        text = (await server.http.get("/metrics")).text
    assert numbers == {
        "active_connections": 0,
        "requests_processed": 2,
        "requests_canceled": 1,
        "requests_dropped": 1,
        "errors": 2,
        "input_queue_size": 2,
        "audio_seconds": 12.0,
        "avg_first_chunk": 0.2,
    }
    assert "# TYPE syrinx_utterances_total counter" in text


async def test_metrics_as_json_before_anything_was_said():
    async with live() as server:
        numbers = (await server.http.get("/metrics", headers={"accept": "application/json"})).json()
    assert numbers["avg_first_chunk"] is None and numbers["requests_processed"] == 0


def test_a_machine_without_the_driver_has_no_gpu(tmp_path: Path):
    facts = gpu_facts(tmp_path / "missing")
    assert facts["cuda_available"] is False and facts["gpu_name"] is None and facts["device_index"] is None


def test_the_drivers_own_list_names_the_gpu(tmp_path: Path):
    card = tmp_path / "0000:01:00.0"
    card.mkdir()
    card.joinpath("information").write_text("Model: \t\t NVIDIA L40S\nIRQ: 1\n")
    facts = gpu_facts(tmp_path)
    assert (facts["cuda_available"], facts["gpu_name"], facts["device_index"]) == (True, "NVIDIA L40S", 0)
