"""A model in its own environment behind a real server: sound, streams, cancels, a change of model, broken weights.

Where a model's folder of tests has a ``served/``, its workers have that on their path (a library with its sizes in its
code is made small there).
"""

from __future__ import annotations

import asyncio
import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile

from tests.e2e.talk import DELTA, talk
from tests.fakes.server_process import ServerProcess

from .serving import OPTIONS, READY_S, TEXT, first_sound, server_of

ENOUGH_S = 0.5
"""Of audio, to call it sound: random weights may speak for ever."""


@pytest.fixture(scope="module", params=list(OPTIONS))
def model(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def server(model: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with server_of(tmp_path_factory.mktemp(model), (model, "tone"), {model: OPTIONS[model]}) as running:
        yield running


def test_a_file_over_http_is_sound(server: ServerProcess, model: str) -> None:
    body = {"model": model, "input": TEXT, "response_format": "wav"}
    data = b""
    with httpx.stream("POST", f"{server.url}/v1/audio/speech", json=body, timeout=READY_S, trust_env=False) as answer:
        assert answer.status_code == 200, answer.read()
        for piece in answer.iter_bytes():
            data += piece
            if len(data) > 2 * 48_000 * ENOUGH_S:
                break
    samples, rate = soundfile.read(io.BytesIO(data[: len(data) // 2 * 2]), dtype="float32")
    assert len(samples) >= 0.1 * rate
    assert np.isfinite(samples).all() and np.abs(samples).max() > 0


async def test_a_stream_is_cancelled_and_the_next_one_speaks(server: ServerProcess, model: str) -> None:
    async with talk(server) as client:
        for name in ("one", "two"):
            await first_sound(client, name, model, TEXT * 20)
            await client.tell("response.cancel", response_id=name)
            assert (await client.hear_end(name))[-1]["type"] == "response.canceled"


async def test_the_default_changes_while_a_stream_goes_on(server: ServerProcess, model: str) -> None:
    async with talk(server) as client, httpx.AsyncClient(base_url=server.url, timeout=READY_S, trust_env=False) as http:
        await first_sound(client, "long", model, TEXT * 20)
        answer = await http.post("/v1/models/activate", json={"active_model_id": "tone"})
        assert answer.status_code == 200, answer.text
        assert (await client.hear())["type"] == DELTA, "the stream goes on"
        await client.tell("response.cancel", response_id="long")
        await client.hear_end("long")
        async with asyncio.timeout(READY_S):
            answer = await http.post("/v1/models/activate", json={"active_model_id": model})
        assert answer.status_code == 200, answer.text
        await first_sound(client, "again", "")
        await client.tell("response.cancel", response_id="again")


def test_weights_that_are_cut_short_are_told_and_the_other_model_speaks(model: str, tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    shutil.copytree(OPTIONS[model]["weights"], folder)
    largest = max((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    with largest.open("r+b") as file:
        file.truncate(largest.stat().st_size // 2)
    with server_of(tmp_path, ("tone",), {model: {**OPTIONS[model], "weights": str(folder)}}) as running:
        answer = httpx.post(
            f"{running.url}/v1/models/activate", json={"active_model_id": model}, timeout=READY_S, trust_env=False
        )
        assert answer.status_code >= 400
        assert largest.name in answer.text and "syrinx models install" in answer.text
        body = {"input": "Hello.", "response_format": "wav"}
        spoken = httpx.post(f"{running.url}/v1/audio/speech", json=body, timeout=60, trust_env=False)
        assert spoken.status_code == 200
