"""The sidecar's voices over real sockets: rows 0-07 and 0-11 to 0-18, and recordings named by path."""

from __future__ import annotations

import base64
import json
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.e2e.sidecar import TOKEN, UNKNOWN, Sidecar, kinds, refused, sidecar, sound
from tests.e2e.talk import peak_hz
from tests.fakes.server_process import ServerPool, ServerProcess
from tests.fakes.speech import noise, recording, tone

PITCH = 173.0
"""Hertz of the reference; the tone model speaks so."""
CLIP = recording(tone(PITCH), 24_000)
BASE64 = base64.b64encode(CLIP).decode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings that may be named by path, and beside it some that may not."""
    base = tmp_path_factory.mktemp("recordings")
    (base / "allowed").mkdir()
    (base / "allowed" / "clip.wav").write_bytes(CLIP)
    (base / "allowed" / "empty.wav").write_bytes(b"")
    (base / "allowed" / "long.wav").write_bytes(CLIP + bytes(600_000))
    os.mkfifo(base / "allowed" / "pipe.wav")
    (base / "outside.wav").write_bytes(CLIP)
    (base / "allowed" / "link.wav").symlink_to(base / "outside.wav")
    (base / "allowed" / "good-link.wav").symlink_to(base / "allowed" / "clip.wav")
    return base


@pytest.fixture(scope="module")
def server(servers: ServerPool, folder: Path) -> Iterator[ServerProcess]:
    """Of this module's own: its data folder is fresh, and it is started anew in between."""
    with servers.fresh(
        ("tone",),
        {"SPEAK_SELECTION_ENGINE_TOKEN": TOKEN},
        reference_folders=(folder / "allowed",),
        max_reference_bytes=500_000,
        max_body_bytes=100_000,
        max_lead_s=0,
    ) as running:
        yield running


@pytest.fixture
async def side(server: ServerProcess) -> AsyncIterator[Sidecar]:
    async with sidecar(server.url) as client:
        yield client


async def ids(side: Sidecar) -> list[str]:
    return [voice["voice_id"] for voice in (await side.http.get("/v1/voices")).json()["voices"]]


async def clone(side: Sidecar, name: str = "Eve", **fields: object) -> str:
    body = {"display_name": name, "ref_audio": {"wav_base64": BASE64}, **fields}
    answer = await side.http.post("/v1/voices/clone", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["voice_id"]


async def test_0_07_voices_has_the_built_in_one(side: Sidecar) -> None:
    answer = await side.http.get("/v1/voices")
    assert answer.status_code == 200
    (voice,) = answer.json()["voices"]
    assert voice["voice_id"] == "0" and voice["display_name"] == "Default Built-in Voice"
    assert voice["created_at"] == "1970-01-01T00:00:00Z" and voice["language_hint"] == "auto"
    assert set(voice) >= {"tts_model_id", "description", "name"}


async def test_0_11_clone_by_base64_and_by_path(side: Sidecar, folder: Path) -> None:
    by_path = str(folder / "allowed" / "clip.wav")
    for reference in ({"wav_base64": BASE64}, {"path": by_path}, {"path": by_path, "wav_base64": "junk"}):
        answer = await side.post(
            "/v1/voices/clone",
            display_name="  Eve ",
            ref_audio=reference,
            ref_text="Hello.",
            language="en",
            description="d",
            options={"normalize_audio": False},
        )
        assert answer.status_code == 200, answer.text
        voice = answer.json()
        assert str(uuid.UUID(voice["voice_id"])) == voice["voice_id"]
        assert (voice["display_name"], voice["tts_model_id"], voice["language_hint"], voice["description"]) == (
            "Eve",
            "tone",
            "en",
            "d",
        )
        listed = (await side.http.get("/v1/voices")).json()["voices"]
        assert voice in listed
        assert listed[0]["voice_id"] == "0"
        created = [one["created_at"] for one in listed[1:]]
        assert created == sorted(created)


async def test_0_11_paths_outside_the_folders_are_refused_alike(side: Sidecar, folder: Path) -> None:
    outside = ("outside.wav", "nothing.wav", "allowed/../outside.wav", "allowed/link.wav", "allowed/../nothing.wav")
    paths = [str(folder / path) for path in outside]
    paths += [
        "/etc/passwd",
        "/etc/nothing",
        "clip.wav",
        "../x",
        "~/x.wav",
        "\x00",
        "/" + "a" * 4000,
        "//",
        "/proc/self/mem",
    ]
    before = await ids(side)
    told = set[str]()
    for path in paths:
        error = refused(
            await side.post("/v1/voices/clone", display_name="Eve", ref_audio={"path": path}), 400, "INVALID_AUDIO"
        )
        told.add(json.dumps(error))
    assert len(told) == 1, "nothing is told of what there is elsewhere"
    assert await ids(side) == before


async def test_0_11_files_in_the_folders_that_cannot_be_used(side: Sidecar, folder: Path) -> None:
    for name in ("empty.wav", "long.wav", "pipe.wav", "nothing.wav", "."):
        path = str(folder / "allowed" / name)
        refused(await side.post("/v1/voices/clone", display_name="E", ref_audio={"path": path}), 400, "INVALID_AUDIO")
    good = {"path": str(folder / "allowed" / "good-link.wav")}
    assert (await side.post("/v1/voices/clone", display_name="E", ref_audio=good)).status_code == 200


async def test_0_12_clone_with_junk_bytes(server: ServerProcess, side: Sidecar) -> None:
    before, folders = await ids(side), sorted((server.data_dir / "voices").glob("[!.]*"))
    junk = {
        "no base64": "!!!",
        "no audio": base64.b64encode(os.urandom(5000)).decode(),
        "empty": base64.b64encode(b"").decode() or " ",
        "half a header": base64.b64encode(CLIP[:20]).decode(),
        "only silence": base64.b64encode(recording(tone(level=0.0))).decode(),
        "too short": base64.b64encode(recording(tone(seconds=0.5))).decode(),
        "ten hours in a header": base64.b64encode(CLIP[:40] + b"\xff\xff\xff\x7f" + CLIP[44:1000]).decode(),
    }
    for name, text in junk.items():
        answer = await side.post("/v1/voices/clone", display_name="Eve", ref_audio={"wav_base64": text})
        assert answer.status_code == 400, (name, answer.text)
        assert answer.json()["error"]["code"] == ("INVALID_REQUEST" if name == "empty" else "INVALID_AUDIO"), name
    answer = await side.post(
        "/v1/voices/clone",
        display_name="Eve",
        ref_audio={"wav_base64": base64.b64encode(recording(noise(), 24_000)).decode()},
    )
    refused(answer, 400, "INVALID_AUDIO")
    assert await ids(side) == before
    assert sorted((server.data_dir / "voices").glob("[!.]*")) == folders
    assert not list((server.data_dir / "voices").glob(".new*"))


async def test_0_12_a_recording_past_the_bound(side: Sidecar) -> None:
    for size, status in ((290_000, 400), (2_000_000, 413)):
        text = base64.b64encode(CLIP + bytes(size)).decode()
        answer = await side.post("/v1/voices/clone", display_name="Eve", ref_audio={"wav_base64": text})
        refused(answer, status, "INVALID_AUDIO" if status == 400 else "INVALID_REQUEST")
    answer = await side.post("/v1/speak", text="x" * 150_000)
    refused(answer, 413, "INVALID_REQUEST")


async def test_0_13_clone_on_a_model_that_cannot(server: ServerProcess, servers: ServerPool) -> None:
    espeak = servers.get(("espeak", "tone"), api_key=TOKEN, max_lead_s=0)
    async with sidecar(espeak.url) as side:
        answer = await side.post("/v1/voices/clone", display_name="Eve", ref_audio={"wav_base64": BASE64})
        refused(answer, 409, "MODEL_NOT_READY")
        assert await ids(side) == ["0"]


async def test_0_14_what_is_kept_of_a_voice(server: ServerProcess, side: Sidecar) -> None:
    voice_id = await clone(side, "Kept", ref_text="Hello.", language="en", description="d")
    folder = server.data_dir / "voices" / voice_id
    meta = json.loads((folder / "meta.json").read_text())
    assert {name: meta[name] for name in ("voice_id", "display_name", "tts_model_id", "language_hint")} == {
        "voice_id": voice_id,
        "display_name": "Kept",
        "tts_model_id": "tone",
        "language_hint": "en",
    }
    assert meta["created_at"] and meta["description"] == "d" and meta["ref_text"] == "Hello."
    assert (folder / "prompt.safetensors").stat().st_size > 0
    assert (folder / "reference_audio.wav").read_bytes().startswith(b"RIFF")


async def test_0_15_speak_with_a_cloned_voice_after_a_restart(server: ServerProcess) -> None:
    async with sidecar(server.url) as side:
        voice_id = await clone(side, "Stays")
        before = await ids(side)
    server.stop()
    server.start()
    async with sidecar(server.url) as side:
        assert await ids(side) == before
        events = await side.say("Hello there, you all.", voice_id=voice_id)
        assert kinds(events)[-1] == "JOB_DONE"
        assert peak_hz(sound(events), 24_000) == pytest.approx(PITCH, rel=0.02)
        events = await side.say("Hello there, you all.", voice_id=voice_id.upper())
        assert peak_hz(sound(events), 24_000) == pytest.approx(PITCH, rel=0.02)


async def test_0_16_patch_a_voice(side: Sidecar) -> None:
    voice_id = await clone(side)
    path = f"/v1/voices/{voice_id}"
    answer = await side.http.patch(path, json={"display_name": "New", "language": "de", "description": "other"})
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert (changed["display_name"], changed["language_hint"], changed["description"]) == ("New", "de", "other")
    assert changed in (await side.http.get("/v1/voices")).json()["voices"]
    refused(await side.http.patch(path, json={}), 400, "INVALID_REQUEST")
    refused(await side.http.patch(path, json={"display_name": ""}), 400, "INVALID_REQUEST")
    refused(await side.http.patch(path, json={"display_name": None}), 400, "INVALID_REQUEST")
    refused(await side.http.patch(f"/v1/voices/{UNKNOWN}", json={"description": "x"}), 404, "VOICE_NOT_FOUND")
    refused(await side.http.patch("/v1/voices/zzz", json={"description": "x"}), 404, "VOICE_NOT_FOUND")
    assert changed in (await side.http.get("/v1/voices")).json()["voices"]


async def test_0_17_delete_a_cloned_voice(server: ServerProcess, side: Sidecar) -> None:
    voice_id = await clone(side)
    answer = await side.http.delete(f"/v1/voices/{voice_id}")
    assert answer.status_code == 200 and answer.json() == {"deleted": True}
    refused(await side.http.delete(f"/v1/voices/{voice_id}"), 404, "VOICE_NOT_FOUND")
    for unknown in ("zzz", "..%2f..", UNKNOWN, "%00", "a" * 3000):
        assert (await side.http.delete(f"/v1/voices/{unknown}")).status_code == 404
    assert voice_id not in await ids(side)
    assert not (server.data_dir / "voices" / voice_id).exists()
    refused(await side.post("/v1/speak", text="Hi.", voice_id=voice_id), 404, "VOICE_NOT_FOUND")


async def test_0_18_the_built_in_voice_is_protected(side: Sidecar) -> None:
    refused(await side.http.delete("/v1/voices/0"), 403, "FORBIDDEN")
    refused(await side.http.patch("/v1/voices/0", json={"display_name": "x"}), 403, "FORBIDDEN")
    assert (await ids(side))[0] == "0"


async def test_a_browser_may_change_and_delete(side: Sidecar) -> None:
    headers = {"Origin": "http://localhost:3000", "Access-Control-Request-Method": "DELETE"}
    answer = await side.http.options(f"/v1/voices/{UNKNOWN}", headers=headers)
    assert answer.status_code == 204
    assert {"PATCH", "DELETE"} <= set(answer.headers["access-control-allow-methods"].split(", "))
