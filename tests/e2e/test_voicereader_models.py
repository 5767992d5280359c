"""The sidecar's model and process, as the program that starts it sees them: rows 0-04 to 0-06, 0-33 to 0-40, 0-43."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from syrinx.models.fetch import KYUTAI, QWEN_BASE, QWEN_CUSTOM
from tests.docs.console import blocks_of
from tests.e2e.sidecar import TOKEN, Sidecar, idle, kinds, next_of, pcm, refused, rest, sidecar
from tests.e2e.talk import WAIT_S
from tests.fakes.hub import Hub, hub
from tests.fakes.server_process import ServerPool, ServerProcess, free_port
from tests.fakes.speech import recording, tone

MODEL_FILES = {"config.json": b"{}", "model.safetensors": b"weights" * 1000}


class Process:
    """A sidecar started by its own command, whose address is read from what it prints."""

    def __init__(self, folder: Path, *flags: str, said: bytes = b"", **variables: str) -> None:
        environ = {
            name: value for name, value in os.environ.items() if not name.startswith(("SYRINX_", "VOICEREADER_"))
        }
        environ.pop("SPEAK_SELECTION_ENGINE_TOKEN", None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "syrinx", *flags],
            cwd=folder,
            env={**environ, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self.process.stdin is not None
        if said:
            self.process.stdin.write(said)
        self.process.stdin.flush()  # and left open, as the program that starts it may do

    def url(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline().decode()
        assert "listening on" in line, self.ended()
        return line.split()[-1]

    def ended(self, wait_s: float = WAIT_S) -> tuple[int, str, str]:
        """Wait for its end; exit status, stdout and stderr."""
        out, err = self.process.communicate(timeout=wait_s)
        return self.process.returncode, out.decode(), err.decode()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


Run = Callable[..., Process]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Start sidecars in a fresh folder; they end with the test."""
    with ExitStack() as stack:

        def start(*flags: str, said: bytes = b"", **variables: str) -> Process:
            process = Process(tmp_path, *flags, said=said, **variables)
            stack.callback(process.kill)
            return process

        yield start


async def ready(side: Sidecar) -> dict[str, Any]:
    """Wait until the model is loaded; the health then."""
    async with asyncio.timeout(60):
        while True:
            found = (await side.http.get("/v1/health")).json()
            if found["runtime"]["model_loaded"]:
                return found
            await asyncio.sleep(0.05)


@contextmanager
def served(servers: ServerPool, models: tuple[str, ...], **settings: Any) -> Iterator[ServerProcess]:
    variables = settings.pop("variables", {})
    with servers.fresh(models, {"SPEAK_SELECTION_ENGINE_TOKEN": TOKEN, **variables}, **settings) as server:
        yield server


@pytest.fixture(scope="module")
def server(servers: ServerPool) -> Iterator[ServerProcess]:
    """Whose model these tests change."""
    with served(servers, ("tone",), max_lead_s=0, variables={"VOICEREADER_WARMUP_ON_STARTUP": "false"}) as server:
        yield server


@pytest.fixture
async def side(server: ServerProcess) -> AsyncIterator[Sidecar]:
    async with sidecar(server.url) as client:
        yield client


async def activate(side: Sidecar, **fields: Any) -> dict[str, Any]:
    answer = await side.post("/v1/models/activate", **fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


# --- health -----------------------------------------------------------------------------------------------------------


async def test_0_04_health_shape(servers: ServerPool) -> None:
    for model, backend in (("tone", "mock"), ("espeak", "espeak")):
        other = "espeak" if model == "tone" else "tone"
        async with sidecar(servers.get((model, other), api_key=TOKEN, max_lead_s=0).url) as side:
            found = (await side.http.get("/v1/health")).json()
        assert set(found) == {"engine_version", "active_model_id", "device", "capabilities", "runtime"}
        assert (found["active_model_id"], found["device"]) == (model, "cpu")
        capabilities, runtime = found["capabilities"], found["runtime"]
        assert set(capabilities) == {
            "supports_voice_clone",
            "supports_audio_chunk_stream",
            "supports_true_streaming_inference",
            "languages",
        }
        assert capabilities["supports_voice_clone"] is (model == "tone")
        assert "en" in capabilities["languages"]
        assert set(runtime) == {
            "backend",
            "model_loaded",
            "fallback_active",
            "detail",
            "supports_default_voice",
            "supports_cloned_voices",
            "warmup",
        }
        assert (runtime["backend"], runtime["model_loaded"], runtime["fallback_active"]) == (backend, True, False)
        assert set(runtime["warmup"]) == {
            "status",
            "runs",
            "last_reason",
            "last_started_at",
            "last_completed_at",
            "last_duration_ms",
            "last_error",
        }


async def test_0_05_auto_tells_what_it_tried(run: Run) -> None:
    process = run("--server", "--port", "0", "--token", TOKEN)
    async with sidecar(process.url()) as side:
        found = await ready(side)
        runtime = found["runtime"]
        assert (runtime["backend"], runtime["fallback_active"]) == ("espeak", True), "real speech, and no mock"
        assert "Kyutai" in runtime["detail"] and "Qwen" in runtime["detail"] and "eSpeak" in runtime["detail"]
        assert kinds(await side.say("Hello."))[-1] == "JOB_DONE"


def test_0_06_an_explicit_backend_never_falls_back(run: Run) -> None:
    for backend in ("qwen", "kyutai"):
        process = run("--server", "--port", "0", "--token", TOKEN, VOICEREADER_SYNTH_BACKEND=backend)
        status, out, err = process.ended()
        assert status != 0 and "listening" not in out
        assert {"qwen": "qwen", "kyutai": "pocket"}[backend] in err
    status, _, err = run("--server", "--token", TOKEN, VOICEREADER_SYNTH_BACKEND="other").ended()
    assert status == 2 and "VOICEREADER_SYNTH_BACKEND" in err


# --- warm-up ----------------------------------------------------------------------------------------------------------


async def test_0_33_warmup(side: Sidecar) -> None:
    before = (await side.http.get("/v1/health")).json()["runtime"]["warmup"]
    answer = await side.post("/v1/warmup", wait=True, force=True, reason="before a talk")
    assert answer.status_code == 200
    assert set(answer.json()) == {"accepted", "warmup"} and answer.json()["accepted"] is True
    after = answer.json()["warmup"]
    assert (after["status"], after["runs"], after["last_reason"]) == ("ready", before["runs"] + 1, "before a talk")
    assert after["last_started_at"] and after["last_completed_at"] and after["last_duration_ms"] >= 0
    assert after["last_error"] is None
    again = (await side.http.post("/v1/warmup")).json()
    assert (again["accepted"], again["warmup"]["runs"]) == (False, after["runs"]), "it is warm, and nobody forces it"
    forced = (await side.post("/v1/warmup", wait=True, force=True)).json()
    assert (forced["accepted"], forced["warmup"]["last_reason"]) == (True, "api")


async def test_0_33_a_trigger_while_one_runs_joins_it(servers: ServerPool) -> None:
    slow = {"VOICEREADER_WARMUP_ON_STARTUP": "0", "VOICEREADER_WARMUP_TEXT": "Slow. {{stall 1}} Start."}
    with served(servers, ("tone",), variables=slow) as server:
        async with sidecar(server.url) as side:
            first = (await side.post("/v1/warmup")).json()
            assert (first["accepted"], first["warmup"]["status"]) == (True, "running")
            joined = (await side.post("/v1/warmup", wait=True, force=True)).json()
            assert (joined["accepted"], joined["warmup"]["status"], joined["warmup"]["runs"]) == (False, "ready", 1)


async def test_0_34_warmup_at_startup_holds_nobody_up(servers: ServerPool) -> None:
    slow = {"VOICEREADER_WARMUP_TEXT": "Slow. {{stall 2}} Start."}
    with served(servers, ("tone",), variables=slow) as server:
        async with sidecar(server.url) as side:
            warmup = {"status": "not_started"}
            while warmup["status"] == "not_started":  # it begins a moment after the model is ready
                warmup = (await side.http.get("/v1/health")).json()["runtime"]["warmup"]
            assert (warmup["status"], warmup["last_reason"], warmup["runs"]) == ("running", "startup", 1)
            answer = await side.post("/v1/warmup", wait=True)
            assert (answer.json()["accepted"], answer.json()["warmup"]["status"]) == (False, "ready")


# --- activate ---------------------------------------------------------------------------------------------------------


async def test_0_35_activate_switches_and_warms(side: Sidecar) -> None:
    found = await activate(side, synth_backend="espeak", warmup_wait=True, reason="app_model_switch")
    assert (found["reloaded"], found["warmup_accepted"], found["active_model_id"]) == (True, True, "espeak")
    assert found["runtime"]["backend"] == "espeak" and found["runtime"]["fallback_active"] is False
    warmup = found["runtime"]["warmup"]
    assert (warmup["status"], warmup["last_reason"]) == ("ready", "app_model_switch")
    assert (await side.http.get("/v1/health")).json()["active_model_id"] == "espeak"
    assert kinds(await side.say("Hello."))[-1] == "JOB_DONE"
    found = await activate(side, active_model_id="tone", qwen_dtype="", warmup_wait=False, warmup_force=False)
    assert (found["active_model_id"], found["runtime"]["backend"]) == ("tone", "mock")
    assert found["runtime"]["warmup"]["last_reason"] == "model_activate"
    auto = await activate(side, synth_backend="auto")
    assert (auto["active_model_id"], auto["runtime"]["fallback_active"]) == ("espeak", True)
    assert "Kyutai" in auto["runtime"]["detail"]
    assert (await activate(side, synth_backend="mock"))["runtime"]["fallback_active"] is False


async def test_0_35_blanks_keep_the_model(side: Sidecar) -> None:
    await activate(side, synth_backend="mock")
    for fields in ({}, {"synth_backend": None, "active_model_id": ""}, {"reason": "again"}):
        assert (await activate(side, **fields))["active_model_id"] == "tone"


async def test_0_36_activate_during_a_job(server: ServerProcess, side: Sidecar) -> None:
    await activate(side, synth_backend="mock")
    job = await side.speak("Hello there, you. {{long 900}}")
    async with side.listen(job) as link:
        await next_of(link)
        refused(await side.post("/v1/models/activate", synth_backend="espeak"), 409, "JOB_IN_PROGRESS")
        assert (await side.post("/v1/cancel", job_id=job["job_id"])).status_code == 200
        assert kinds(await rest(link))[-1] == "JOB_CANCELED"
    assert (await activate(side, synth_backend="mock"))["active_model_id"] == "tone"
    await idle(server)


async def test_0_36_a_failed_activate_leaves_the_old_model(side: Sidecar) -> None:
    await activate(side, synth_backend="mock")
    for fields in (
        {"synth_backend": "qwen", "qwen_device_map": "cuda:0"},
        {"synth_backend": "kyutai"},
        {"active_model_id": "x"},
    ):
        refused(await side.post("/v1/models/activate", **fields), 409, "MODEL_NOT_READY")
        assert (await side.http.get("/v1/health")).json()["active_model_id"] == "tone"
        assert kinds(await side.say("Hello."))[-1] == "JOB_DONE"
    refused(await side.post("/v1/models/activate", synth_backend="other"), 400, "INVALID_REQUEST")


# --- prefetch ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def running_hub() -> Iterator[Hub]:
    with hub({repo: MODEL_FILES for repo in (KYUTAI, QWEN_CUSTOM, QWEN_BASE)}) as running:
        yield running


async def test_0_37_prefetch(servers: ServerPool, running_hub: Hub, tmp_path: Path) -> None:
    with served(servers, ("tone",), variables={"HF_ENDPOINT": running_hub.url, "HOME": str(tmp_path)}) as server:
        async with sidecar(server.url) as side:
            waiting = asyncio.create_task(side.post("/v1/models/prefetch", mode="qwen_all"))
            assert kinds(await side.say("Meanwhile."))[-1] == "JOB_DONE"
            answer = await waiting
            assert answer.status_code == 200, answer.text
            found = answer.json()
            data = server.data_dir
            places = {repo: str(data / "models" / repo) for repo in (QWEN_CUSTOM, QWEN_BASE)}
            assert found == {
                "ok": True,
                "mode": "qwen_all",
                "downloaded": [QWEN_CUSTOM, QWEN_BASE],
                "saved_to": places,
                "data_dir": str(data),
                "models_dir": str(data / "models"),
                "hf_cache_dir": str(data / "hf-cache"),
            }
            for place in places.values():
                assert Path(place, "model.safetensors").read_bytes() == MODEL_FILES["model.safetensors"]
            running_hub.repos = {}
            error = refused(await side.post("/v1/models/prefetch", mode="all"), 409, "MODEL_NOT_READY")
            assert KYUTAI in error["message"]
            refused(await side.post("/v1/models/prefetch", mode="other"), 400, "INVALID_REQUEST")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()], "nothing in the user's home"


def test_0_37_the_prefetch_command(running_hub: Hub, tmp_path: Path) -> None:
    environ = {**os.environ, "HF_ENDPOINT": running_hub.url, "HOME": str(tmp_path / "home")}
    cache = {"VOICEREADER_HF_CACHE_DIR": str(tmp_path / "cache")}
    data = tmp_path / "data"

    def prefetch(*flags: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "syrinx", "prefetch", "--data-dir", str(data), *flags]
        return subprocess.run(
            command, env={**environ, **cache}, capture_output=True, text=True, timeout=60, check=False
        )

    done = prefetch("--kyutai-only")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[-1] == "PREFETCH_MODELS_OK" and all("=" in line for line in lines[:-1])
    assert f"hf_cache_dir={tmp_path / 'cache'}" in lines
    assert (data / "models" / KYUTAI / "model.safetensors").is_file()
    assert not (data / "models" / QWEN_BASE).exists()
    assert prefetch().returncode == 0 and (data / "models" / QWEN_BASE).is_dir()
    assert prefetch("--base-only", "--custom-only").returncode == 2
    assert not [path for path in (tmp_path / "home").rglob("*") if path.is_file()]


# --- the process ------------------------------------------------------------------------------------------------------


async def test_0_39_quit(run: Run, tmp_path: Path) -> None:
    process = run("--server", "--port", "0", "--data-dir", "d", "--token", TOKEN, VOICEREADER_SYNTH_BACKEND="mock")
    async with sidecar(process.url()) as side:
        await ready(side)
        job = await side.speak("Hello there, you. {{long 900}}")
        async with side.listen(job) as link:
            await next_of(link)
            began = time.monotonic()
            answer = await side.http.post("/v1/quit")
            assert answer.status_code == 200 and answer.json() == {"quitting": True}
            assert kinds(await rest(link))[-1] == "JOB_CANCELED"
    status, _, _ = await asyncio.to_thread(process.ended)
    assert status == 0 and time.monotonic() - began < 10
    assert (tmp_path / "d").is_dir()


async def test_0_39_not_where_a_server_is_open_to_others(servers: ServerPool) -> None:
    with served(servers, ("tone",), management="off") as server:
        async with sidecar(server.url) as side:
            for path in ("/v1/quit", "/v1/models/activate", "/v1/models/prefetch"):
                refused(await side.http.post(path, json={}), 403, "FORBIDDEN")
            assert (await side.http.get("/v1/health")).status_code == 200


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
async def test_0_39_nor_for_those_whom_a_proxy_lets_in(servers: ServerPool, name: str) -> None:
    with served(servers, ("tone",)) as server:
        async with sidecar(server.url) as side:
            refused(await side.http.post("/v1/quit", headers={name: "203.0.113.9"}), 403, "FORBIDDEN")
            assert (await side.http.get("/v1/health")).status_code == 200


async def test_0_40_knobs(run: Run, tmp_path: Path) -> None:
    process = run(
        "--server",
        "--port=0",
        "--token-env",
        "MY_TOKEN",
        MY_TOKEN=TOKEN,
        VOICEREADER_SYNTH_BACKEND="mock",
        VOICEREADER_WARMUP_ON_STARTUP="true",
        VOICEREADER_WARMUP_TEXT="{{error}}",
        VOICEREADER_HF_CACHE_DIR=str(tmp_path / "cache"),
        HF_ENDPOINT="http://127.0.0.1:9",
    )
    async with sidecar(process.url()) as side:
        assert (await ready(side))["runtime"]["backend"] == "mock"
        warmup = (await side.post("/v1/warmup", wait=True)).json()["warmup"]
        assert warmup["status"] == "error" and warmup["last_error"], "its text was spoken"
        refused(await side.post("/v1/models/prefetch"), 409, "MODEL_NOT_READY")
        assert (tmp_path / ".data").is_dir(), "by default beside where it was started"


async def test_the_token_on_stdin(run: Run, tmp_path: Path) -> None:
    port = free_port()
    said = json.dumps({"token": TOKEN, "port": port, "data_dir": str(tmp_path / "there"), "more": 1}).encode()
    flags = ("--server", "--port", "1", "--data-dir", "elsewhere", "--bootstrap-stdin")
    process = run(*flags, said=said, VOICEREADER_SYNTH_BACKEND="mock")
    assert process.url() == f"http://127.0.0.1:{port}"
    async with sidecar(f"http://127.0.0.1:{port}") as side:
        await ready(side)
        assert (tmp_path / "there").is_dir() and not (tmp_path / "elsewhere").exists()
        refused(await side.http.get("/v1/health", headers={"Authorization": "Bearer x"}), 401, "UNAUTHORIZED")


@pytest.mark.parametrize("said", [b"not json\n", b"[]", b""])
def test_bad_bootstraps_end_with_a_message(run: Run, said: bytes) -> None:
    process = run("--server", "--bootstrap-stdin", "--token", TOKEN, said=said)
    assert process.process.stdin is not None
    process.process.stdin.close()
    process.process.stdin = None
    status, out, err = process.ended()
    assert status == 2 and "--bootstrap-stdin" in err and "Traceback" not in err and "listening" not in out


def test_a_token_is_needed(run: Run) -> None:
    status, out, err = run("--server", "--port", "0").ended()
    assert status == 2 and "token" in err.lower() and "SPEAK_SELECTION_ENGINE_TOKEN" in err and "listening" not in out


def test_without_server_it_shows_its_help(run: Run) -> None:
    for flags in ((), ("--port", "5"), ("--help",)):
        status, out, _ = run(*flags).ended()
        assert status == 0 and "Usage" in out
    _, out, _ = run("--port", "5").ended()
    assert "--bootstrap-stdin" in out


async def test_0_43_the_whole_api_on_the_mock(run: Run) -> None:
    """No model, no GPU, no network: every route answers."""
    process = run(
        "--server",
        "--port",
        "0",
        "--data-dir",
        "d",
        SPEAK_SELECTION_ENGINE_TOKEN=TOKEN,
        VOICEREADER_SYNTH_BACKEND="mock",
        HF_ENDPOINT="http://127.0.0.1:9",
    )
    async with sidecar(process.url()) as side:
        found = await ready(side)
        assert (found["runtime"]["backend"], found["runtime"]["supports_cloned_voices"]) == ("mock", True)
        assert (await side.post("/v1/warmup", wait=True)).status_code == 200
        events = await side.say("Hello there, you.")
        assert kinds(events)[-1] == "JOB_DONE" and len(pcm(events)) > 10_000
        assert (await side.http.get("/v1/voices")).json()["voices"][0]["voice_id"] == "0"
        clip = base64.b64encode(recording(tone(200.0), 24_000)).decode()
        cloned = await side.post("/v1/voices/clone", display_name="Eve", ref_audio={"wav_base64": clip})
        voice_id = cloned.json()["voice_id"]
        assert kinds(await side.say("Hello there.", voice_id=voice_id))[-1] == "JOB_DONE"
        assert (await side.http.patch(f"/v1/voices/{voice_id}", json={"language": "en"})).status_code == 200
        assert (await side.http.delete(f"/v1/voices/{voice_id}")).json() == {"deleted": True}
        job = await side.speak("Hello there, you. {{long 900}}")
        assert (await side.post(f"/v1/jobs/{job['job_id']}/playback", rate=2.0)).json() == {"updated": True}
        assert (await side.post("/v1/cancel", job_id=job["job_id"])).json()["canceled"] is True
        assert kinds(await side.hear(job))[-1] == "JOB_CANCELED"
        refused(await side.post("/v1/models/prefetch", mode="kyutai"), 409, "MODEL_NOT_READY")
        assert (await activate(side))["active_model_id"] == "tone"
        assert (await side.http.post("/v1/quit")).json() == {"quitting": True}
    status, _, _ = await asyncio.to_thread(process.ended)
    assert status == 0


async def test_the_program_of_the_page_runs(servers: ServerPool) -> None:
    page = Path(__file__).parents[2] / "docs" / "protocols" / "voicereader.md"
    (code,) = blocks_of(page.read_text(encoding="utf-8"), "python")
    server = servers.get(("tone", "espeak"), api_key=TOKEN, max_lead_s=0)
    code = code.replace("http://127.0.0.1:8765", server.url).replace("dev-token", TOKEN)
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0 and done.stdout.startswith("JOB_DONE "), done.stderr
