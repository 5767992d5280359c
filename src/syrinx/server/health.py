"""Is it alive, can it speak, and how has it gone: ``/healthz``, ``/readyz``, ``/health`` and ``/metrics``."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from syrinx.core.errors import SyrinxError
from syrinx.server.answers import json_answer
from syrinx.server.auth import Keys
from syrinx.server.counters import counters
from syrinx.server.limits import SocketCap
from syrinx.server.observe import Metrics
from syrinx.workers.host import HostState

if TYPE_CHECKING:
    from syrinx.config import Settings
    from syrinx.engine.engine import Engine

NVIDIA_GPUS = Path("/proc/driver/nvidia/gpus")
"""Where the NVIDIA driver lists its devices (NVIDIA driver README, "The /proc interface")."""


@dataclass(frozen=True, slots=True)
class HealthRoutes:
    """Health needs no key: it tells of models, never of requests. ``/metrics`` needs one where keys are set."""

    engine: Engine
    keys: Keys
    metrics: Metrics
    settings: Settings
    cap: SocketCap

    def routes(self) -> list[BaseRoute]:
        return [
            Route("/healthz", self.healthz),
            Route("/readyz", self.readyz),
            Route("/health", self.health),
            Route("/metrics", self.prometheus),
        ]

    async def healthz(self, request: Request) -> Response:
        """The process answers."""
        return json_answer(b'{"ok":true}')

    async def readyz(self, request: Request) -> Response:
        """The default model can speak, and with what; else 503 and why not."""
        if not self.engine.ready:
            return json_answer(msgspec.json.encode({"detail": self._why_not()}), 503, {"retry-after": "1"})
        return json_answer(msgspec.json.encode({"ok": True, **gpu_facts(), **self._speech_facts()}))

    async def health(self, request: Request) -> Response:
        """Whether it can speak, with what, and every model's state; 503 until the default model is ready.

        One object for every founding system that has this route: ``backend`` and ``model_loaded`` of Orpheus, ``mode``,
        ``chunk_size``, ``active_connections`` and ``gpu`` of Chatterbox.
        """
        models = [
            {
                "name": model.name,
                "state": model.status.state.value,
                "detail": model.status.detail,
                "default": model.is_default,
                "why": model.reason,
                "restarts": model.status.restarts,
                "running_jobs": model.status.running_jobs,
                "queued": model.queued,
            }
            for model in self.engine.models()
        ]
        ready = self.engine.ready
        body = {
            "status": "healthy" if ready else "unhealthy",
            **({} if ready else {"reason": self._why_not()}),
            **self._default_model(),
            "mode": "streaming" if self.settings.profile == "latency" else "batch",
            "chunk_size": self.settings.chunk_tokens,
            "active_connections": self.cap.open,
            "gpu": _gpu(gpu_facts()),
            "models": models,
        }
        return json_answer(msgspec.json.encode(body), 200 if ready else 503)

    async def prometheus(self, request: Request) -> Response:
        """Prometheus' text form; JSON for those who accept only that."""
        self.keys.admit(request.scope)
        if request.headers.get("accept", "").startswith("application/json"):
            numbers = {"active_connections": self.cap.open, **counters(self.metrics.registry)}
            return json_answer(msgspec.json.encode(numbers))
        return Response(self.metrics.render(), headers={"content-type": CONTENT_TYPE_LATEST})

    def _why_not(self) -> str:
        if self.engine.draining:
            return "The server is shutting down."
        states = (f"{m.name}: {m.status.state.value} {m.status.detail}".strip() for m in self.engine.models())
        return "; ".join(states)

    def _default_model(self) -> dict[str, Any]:
        model = next(model for model in self.engine.models() if model.is_default)
        info = model.info
        return {
            "backend": model.name,
            "model_loaded": model.status.state is HostState.READY,
            "sample_rate": None if info is None else info.sample_rate,
        }

    def _speech_facts(self) -> dict[str, Any]:
        return {
            "ffmpeg_available": find_spec("av") is not None,
            "voices": {"female": self._voice("female"), "male": self._voice("male")},
            "speed": self.settings.default_speed,
            "split_pattern": None,
            "stream_chunk_seconds": self.settings.stream_chunk_seconds,
        }

    def _voice(self, name: str) -> str | None:
        try:
            return self.engine.resolve(None, name).voice
        except SyrinxError:
            return None


def _gpu(facts: dict[str, Any]) -> dict[str, Any]:
    return {"gpu_id": facts["device_index"], "gpu_name": facts["gpu_name"], "memory_allocated_gb": None}


def gpu_facts(gpus: Path = NVIDIA_GPUS) -> dict[str, Any]:
    """What can be known of GPUs without a GPU library. The server itself uses none; its memory figures are unknown."""
    try:
        found = sorted(gpus.iterdir())
        lines = found[0].joinpath("information").read_text(encoding="utf-8").splitlines() if found else []
    except OSError:
        found, lines = [], []
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("Model:")), None)
    return {
        "device": "cpu",
        "cuda_available": bool(found),
        "gpu_name": name,
        "device_index": 0 if found else None,
        "gpu_mem_free_bytes": None,
        "gpu_mem_total_bytes": None,
    }
