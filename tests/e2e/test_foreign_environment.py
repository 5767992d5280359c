"""A model in an interpreter of its own: served beside others, switched to, and told of where it cannot be loaded.

The environment is a virtual one with nothing but what a worker needs; the model in it is ``tone``. Nothing is fetched:
the packages are those of the tests' own environment.
"""

from __future__ import annotations

import asyncio
import importlib
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import psutil
import pytest

from syrinx.config import make_settings
from syrinx.core.errors import ModelNotReady
from syrinx.core.types import Audio, Finished
from syrinx.engine.engine import Engine
from syrinx.models.environment import EnvironmentSpec, Manifest
from syrinx.models.fetch import Places
from syrinx.models.install import NEEDED
from syrinx.models.installed import Installed
from syrinx.models.registry import MODELS
from syrinx.server.app import build_app
from syrinx.server.observe import Metrics
from syrinx.server.run import DrainingServer, bind, uvicorn_config
from syrinx.wiring import build_engine
from tests.e2e.test_switch import WAIT_S, is_alive, rest_of, speaker, speaking


class SmallSpec(EnvironmentSpec):
    """What the worker needs, from a lock in a test."""

    def lock(self) -> str:
        return "".join(f"{name}\n" for name in NEEDED)


SPECS = MappingProxyType({name: SmallSpec(name, "nowhere", torch="") for name in ("small", "empty")})
TONE = MODELS["tone"]
"""The worker looks it up by its name in the registry that everybody has, so only its environment differs here."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with two environments: one with what a worker needs, one that was emptied after it was built."""
    folder = tmp_path_factory.mktemp("foreign")
    environments = installed_in(folder, "small").environments
    for name, spec in SPECS.items():
        place = environments.place(name)
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
        environments.certify(Manifest(name, spec.digest(), ""))
    site = next(environments.place("small").rglob("site-packages"))
    for name in NEEDED:
        (found,) = importlib.import_module(name).__path__
        for source in Path(found).parent.glob(f"{name}*"):
            (site / source.name).symlink_to(source, target_is_directory=source.is_dir())
    return folder


def installed_in(folder: Path, environment: str) -> Installed:
    models = {"espeak": MODELS["espeak"], "tone": replace(TONE, environment=environment)}
    return Installed(Places(folder), models=MappingProxyType(models), specs=SPECS)


@asynccontextmanager
async def serving(folder: Path, environment: str, *models: str) -> AsyncGenerator[tuple[Engine, httpx.AsyncClient]]:
    """A real server whose ``tone`` runs in that environment."""
    settings = make_settings({"models": models, "data_dir": folder, "port": 0})
    engine = build_engine(settings, installed=installed_in(folder, environment))
    with bind("127.0.0.1", 0) as listener:
        server = DrainingServer(uvicorn_config(build_app(settings, engine, Metrics()), settings), engine, WAIT_S)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=WAIT_S) as http:
                yield engine, http
        finally:
            server.should_exit = True
            await running


async def readiness(http: httpx.AsyncClient, status: int) -> dict[str, Any]:
    """What ``/readyz`` says once it has that status and nothing is starting."""
    async with asyncio.timeout(WAIT_S):
        while (answer := await http.get("/readyz")).status_code != status or "starting" in answer.text:
            await asyncio.sleep(0.05)
    return answer.json()


async def activate(http: httpx.AsyncClient, model: str) -> httpx.Response:
    return await http.post("/v1/models/activate", json={"active_model_id": model})


def interpreters() -> list[str]:
    """Programs of this process's children."""
    return [child.cmdline()[0] for child in psutil.Process().children() if is_alive(child)]


async def test_it_is_switched_to_in_mid_stream_and_runs_in_its_own_interpreter(data: Path) -> None:
    async with serving(data, "small", "espeak") as (engine, http):
        await readiness(http, 200)
        session = speaking(engine, "One two three four five six seven. " * 60)
        while not isinstance(await session.next(), Audio):
            pass
        answer = await activate(http, "tone")
        assert answer.status_code == 200, answer.text
        assert str(installed_in(data, "small").environments.python("small")) in interpreters()
        assert await speaker(engine) == "tone"
        events = await rest_of(session)
        assert isinstance(events[-1], Finished) and events[-1].audio_s > 60
        assert (await activate(http, "espeak")).status_code == 200
        assert await speaker(engine) == "espeak"


async def test_why_it_cannot_be_loaded_is_told_and_the_one_before_speaks_on(data: Path) -> None:
    async with serving(data, "empty", "espeak") as (engine, http):
        await readiness(http, 200)
        answer = await activate(http, "tone")
        assert answer.status_code >= 400
        assert "No module named" in answer.text
        assert await speaker(engine) == "espeak"
        await readiness(http, 200)


async def test_a_server_that_begins_with_it_says_why_it_is_not_ready(data: Path) -> None:
    async with serving(data, "empty", "tone") as (_, http):
        assert "No module named" in (await readiness(http, 503))["detail"]


async def test_what_is_not_installed_is_refused_with_the_remedy(data: Path, tmp_path: Path) -> None:
    async with serving(tmp_path, "small", "espeak") as (engine, http):
        await readiness(http, 200)
        answer = await activate(http, "tone")
        assert answer.status_code >= 400 and "syrinx models install tone" in answer.text
        assert await speaker(engine) == "espeak"
    with pytest.raises(ModelNotReady, match="syrinx models install tone"):
        build_engine(make_settings({"models": ("tone",)}), installed=installed_in(tmp_path, "small"))
