"""``POST /v1/synthesize`` on a real server: formats that an independent decoder reads, errors, anything at all."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

import av
import httpx
import numpy as np
import pytest

from tests.e2e.conftest import Start
from tests.e2e.hostile import BODIES, TEXTS, VALUES
from tests.e2e.probe import idle
from tests.e2e.talk import WAIT_S
from tests.fakes.server_process import ServerProcess

PATH = "/v1/synthesize"
FIELDS = (
    "text",
    "voice_id",
    "format",
    "sample_rate",
    "exaggeration",
    "cfg_weight",
    "model",
    "language",
    "speed",
    "pitch",
)
TEXT = "The first words are heard while the last ones are still being made."


@pytest.fixture(scope="module")
def server(start: Start) -> ServerProcess:
    seed = {"MAX_CONCURRENT_JOBS": "2", "MAX_QUEUED_REQUESTS": "0"}
    return start(seed, tone={"x_realtime": 5000, "chunk_ms": 400}, models=("tone", "espeak"))


@pytest.fixture
async def http(server: ServerProcess) -> AsyncIterator[httpx.AsyncClient]:
    """Afterwards it must still speak, with every place free."""
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=WAIT_S) as client:
        yield client
        await idle(server)
        for _ in range(2):
            assert len((await client.post(PATH, json={"text": "Still here."})).content) > 1000


def decoded(data: bytes) -> tuple[np.ndarray, int]:
    with av.open(io.BytesIO(data), "r") as container:
        resampler = av.AudioResampler(format="flt", layout="mono")
        found = [out for frame in container.decode(audio=0) for out in resampler.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in found]), found[0].sample_rate


@pytest.mark.parametrize("model", ["tone", "espeak"])
@pytest.mark.parametrize(
    ("name", "media_type"), [("wav", "audio/wav"), ("mp3", "audio/mpeg"), ("opus", "audio/ogg"), (None, "audio/wav")]
)
async def test_3_09_audio_in_the_format_asked_for(
    http: httpx.AsyncClient, model: str, name: str | None, media_type: str
) -> None:
    body = {"text": TEXT, "model": model, "voice_id": "default", **({"format": name} if name else {})}
    answer = await http.post(PATH, json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert answer.headers["x-syrinx-model"] == model and "content-length" not in answer.headers
    sound, rate = decoded(answer.content)
    assert 3.0 < len(sound) / rate < 6.0 and np.abs(sound).max() > 0.05


async def test_3_09_raw_samples_at_the_rate_asked_for(http: httpx.AsyncClient) -> None:
    for name, width in (("pcm", 2), ("pcm_f32le", 4)):
        for rate in (24_000, 8_000):
            answer = await http.post(PATH, json={"text": "{{long 1}}", "format": name, "sample_rate": rate})
            assert len(answer.content) / width == pytest.approx(rate, rel=0.01)
        assert len(
            (await http.post(PATH, json={"text": "{{long 1}}", "format": name})).content
        ) / width == pytest.approx(24_000, rel=0.01)


async def test_3_09_a_wav_has_the_rate_asked_for(http: httpx.AsyncClient) -> None:
    answer = await http.post(PATH, json={"text": "{{long 1}}", "format": "wav", "sample_rate": 16_000})
    sound, rate = decoded(answer.content)
    assert rate == 16_000 and len(sound) == pytest.approx(16_000, rel=0.01)


async def test_3_03_exaggeration_that_no_model_takes_is_told(http: httpx.AsyncClient) -> None:
    answer = await http.post(PATH, json={"text": "Hi.", "exaggeration": 0.5, "cfg_weight": 0.5})
    assert answer.headers["x-syrinx-not-applied"] == "exaggeration, cfg_weight"


@pytest.mark.parametrize(
    ("body", "status", "code", "param"),
    [
        ({"text": ""}, 400, "empty_text", "text"),
        ({"text": "🙂"}, 400, "empty_text", "text"),
        ({}, 400, "invalid_request", "text"),
        ({"text": "Hi.", "voice_id": "nobody"}, 400, "voice_not_found", "voice_id"),
        ({"text": "Hi.", "voice_id": "../../etc/passwd"}, 400, "voice_not_found", "voice_id"),
        ({"text": "Hi.", "exaggeration": 9}, 400, "invalid_request", "exaggeration"),
        ({"text": "Hi.", "format": "midi"}, 400, "unsupported_format", "format"),
        ({"text": "Hi.", "sample_rate": 7}, 400, "unsupported_format", "sample_rate"),
        ({"text": "Hi.", "model": "nothing"}, 404, "model_not_found", "model"),
        ({"text": "{{error}}"}, 502, "model_failed", None),
    ],
)
async def test_3_15_what_is_wrong_is_told(
    http: httpx.AsyncClient, body: dict[str, object], status: int, code: str, param: str | None
) -> None:
    answer = await http.post(PATH, json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (status, code, param) and error["message"]


async def test_a_stream_that_breaks_does_not_look_whole(http: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await http.post(PATH, json={"text": "{{long 2}} {{error}}"})


@pytest.mark.parametrize("name", VALUES)
async def test_every_field_with_anything_in_it(http: httpx.AsyncClient, name: str) -> None:
    for field in FIELDS:
        body = '{"' + field + '":' + VALUES[name] + ("" if field == "text" else ',"text":"Hi."') + "}"
        answer = await http.post(PATH, content=body)
        assert answer.status_code == 200 or 400 <= answer.status_code < 500, (field, answer.text[:300])
        if answer.status_code != 200:
            assert answer.json()["error"]["message"] and len(answer.content) < 2000


@pytest.mark.parametrize("name", [*TEXTS, *BODIES])
async def test_texts_and_bodies_that_no_client_should_send(http: httpx.AsyncClient, name: str) -> None:
    content = BODIES[name] if name in BODIES else ('{"text":' + TEXTS[name] + "}").encode()
    answer = await http.post(PATH, content=content)
    assert answer.status_code == 200 or 400 <= answer.status_code < 500, answer.text[:300]
