"""Liveness, readiness, the state of models and the numbers."""

from __future__ import annotations

from pathlib import Path

from syrinx.server.health import gpu_facts
from tests.fakes.engine import FakeEngine
from tests.fakes.live import live

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
    assert body["status"] == "ready"
    assert body["models"][0] | {"name": "fake", "state": "ready", "restarts": 3, "default": True} == body["models"][0]


def test_a_machine_without_the_driver_has_no_gpu(tmp_path: Path):
    facts = gpu_facts(tmp_path / "missing")
    assert facts["cuda_available"] is False and facts["gpu_name"] is None and facts["device_index"] is None


def test_the_drivers_own_list_names_the_gpu(tmp_path: Path):
    card = tmp_path / "0000:01:00.0"
    card.mkdir()
    card.joinpath("information").write_text("Model: \t\t NVIDIA L40S\nIRQ: 1\n")
    facts = gpu_facts(tmp_path)
    assert (facts["cuda_available"], facts["gpu_name"], facts["device_index"]) == (True, "NVIDIA L40S", 0)
