"""The lists and requests of front ends that take an OpenAI-like server, as their own sources make them.

None of them is installed; what each sends and reads is written after the file that is named in its test.
"""

from __future__ import annotations

import io
from typing import Any

import av
import httpx
import pytest

from tests.e2e.talk import WAIT_S
from tests.fakes.server_process import ServerPool, ServerProcess

KEY = "sesame"


@pytest.fixture(scope="module")
def locked(servers: ServerPool) -> ServerProcess:
    """It needs a key to speak."""
    return servers.get(("espeak", "tone"), api_key=KEY)


def get(server: ServerProcess, path: str, **headers: str) -> Any:
    answer = httpx.get(f"{server.url}/v1{path}", headers=headers, trust_env=False, timeout=WAIT_S)
    assert answer.status_code == 200, answer.text
    return answer.json()


def speak(server: ServerProcess, body: dict[str, Any], **headers: str) -> httpx.Response:
    url = f"{server.url}/v1/audio/speech"
    return httpx.post(url, json=body, headers=headers, trust_env=False, timeout=WAIT_S)


def codec_of(audio: bytes) -> str:
    with av.open(io.BytesIO(audio), "r") as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) > 5000
        return container.streams.audio[0].codec_context.name


def test_open_webui_fills_its_menus_without_a_key_and_saves_an_mp3(locked: ServerProcess) -> None:
    """open-webui, routers/audio.py: get_available_voices, get_available_models, speech."""
    voices = {voice["id"]: voice["name"] for voice in get(locked, "/audio/voices")["voices"]}
    models = [
        {"id": model["id"], "name": model.get("name", model["id"])} for model in get(locked, "/audio/models")["models"]
    ]
    assert voices["de"] == "German" and len(voices) > 100
    assert [model["id"] for model in models] == ["espeak", "tone"]
    body = {"model": "tts-1", "input": "Hello, all of you.", "voice": "de", "some_admin_field": {"a": 1}}
    user = {"X-OpenWebUI-User-Name": "Eve", "X-OpenWebUI-User-Role": "admin"}
    answer = speak(locked, body, Authorization=f"Bearer {KEY}", **user)
    assert codec_of(answer.content).startswith("mp3")
    refusal = speak(locked, {**body, "voice": "nobody"}, Authorization=f"Bearer {KEY}").json()
    assert "nobody" in refusal["error"]["message"], "it shows this"


def test_sillytavern_sends_an_empty_key_where_none_is_set(server: ServerProcess, locked: ServerProcess) -> None:
    """SillyTavern, tts/openai-compatible.js and src/endpoints/openai.js (custom/generate-voice). HTTP carries no white
    space at the end of a header, so an empty key leaves the bare word."""
    body = {
        "input": "Hello, all of you.",
        "response_format": "mp3",
        "voice": "shimmer",
        "speed": 1.25,
        "model": "tts-1",
    }
    assert codec_of(speak(server, body, Authorization="Bearer").content).startswith("mp3")
    assert speak(locked, body, Authorization="Bearer").status_code == 401


@pytest.mark.parametrize(("model", "voice"), [("tts-1", "alloy"), ("kokoro", "af_bella")])
def test_anythingllm_speaks_by_the_openai_sdk(locked: ServerProcess, model: str, voice: str) -> None:
    """anything-llm, utils/TextToSpeech/openAiGeneric and kokoro; the SDK's own tests are beside this one.

    Its Kokoro provider asks for a model and a voice of that name: a server without Kokoro refuses and says so."""
    answer = speak(
        locked, {"model": model, "voice": voice, "input": "Hello, all of you."}, Authorization=f"Bearer {KEY}"
    )
    if model == "kokoro":
        assert answer.status_code == 404 and answer.json()["error"]["code"] == "model_not_found"
    else:
        assert codec_of(answer.content).startswith("mp3")


def test_librechat_streams_what_it_passes_on_as_mpeg(locked: ServerProcess) -> None:
    """LibreChat, services/Files/Audio/TTSService.js: openAIProvider; localAIProvider sends a voice as the model."""
    body = {"input": "Hello, all of you.", "model": "tts-1", "voice": "nova", "backend": "piper"}
    answer = speak(locked, body, Authorization=f"Bearer {KEY}")
    assert answer.headers["content-type"] == "audio/mpeg" and codec_of(answer.content).startswith("mp3")


def test_openreader_lists_voices_with_a_key_that_may_be_none(locked: ServerProcess) -> None:
    """OpenReader-WebUI, app/api/tts/voices/route.ts; it shows strings, which ``legacy`` gives."""
    headers = {"Authorization": "Bearer none", "Content-Type": "application/json"}
    assert len(get(locked, "/audio/voices", **headers)["voices"]) > 100
    strings = get(locked, "/audio/voices?legacy=true", **headers)["voices"]
    assert "de" in strings and all(isinstance(voice, str) for voice in strings)


def test_llama_swap_waits_for_health_and_asks_for_the_voices_of_a_model(locked: ServerProcess) -> None:
    """llama-swap: ``checkEndpoint`` is ``/health``, asked without a key; voices are those of the model that it runs."""
    assert httpx.get(f"{locked.url}/health", trust_env=False, timeout=WAIT_S).status_code == 200
    voices = get(locked, "/audio/voices?model=tone")["voices"]
    assert {voice["model"] for voice in voices} == {"tone"} and "sine" in [voice["id"] for voice in voices]


def test_the_front_end_of_kokoro_fastapi_sends_fields_of_its_own_and_no_model(server: ServerProcess) -> None:
    """Kokoro-FastAPI, web/src/services/AudioService.js."""
    body = {"input": "Hello, all of you.", "voice": "alloy", "response_format": "mp3", "speed": 1}
    own = {"download_format": "mp3", "stream": True, "return_download_link": True, "lang_code": "a"}
    assert codec_of(speak(server, {**body, **own}).content).startswith("mp3")


def test_all_of_them_may_list_models_as_openai_does(locked: ServerProcess) -> None:
    found = get(locked, "/models")
    assert found["object"] == "list"
    assert [(model["id"], model["object"]) for model in found["data"]] == [("espeak", "model"), ("tone", "model")]
    assert all(isinstance(model["created"], int) and model["owned_by"] for model in found["data"])
