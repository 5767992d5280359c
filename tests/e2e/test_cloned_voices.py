"""Cloned voices of a real server: heard over HTTP, changed by another process, kept over restarts and crashes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from syrinx.core.types import Samples
from syrinx.models.base import ReferenceClip
from syrinx.models.prompt import encode_prompt
from syrinx.models.tone.clone import pitch_of, prompt_of
from syrinx.voices.clip import wav_bytes
from syrinx.voices.store import StoredVoice, VoiceDraft, VoiceStore
from tests.e2e.probe import until, workers
from tests.e2e.talk import WAIT_S
from tests.fakes.server_process import ServerPool, ServerProcess
from tests.fakes.speech import tone

HERTZ = 173.0
RATE = 24_000
CLIP = ReferenceClip(tone(HERTZ), RATE)
SECONDS = "These are some words. {{long 4}} And some more."


@pytest.fixture(scope="module")
def served(servers: ServerPool) -> Iterator[ServerProcess]:
    with servers.fresh(("espeak", "tone"), model_options={"tone": {"x_realtime": 8}}) as server:
        yield server


def store_of(server: ServerProcess) -> VoiceStore:
    """The voices of a server, as another process has them."""
    return VoiceStore(server.data_dir / "voices")


def keep(server: ServerProcess, alias: str, revision: str = "1") -> StoredVoice:
    prompt = encode_prompt("tone", revision, prompt_of(CLIP))
    return store_of(server).create(VoiceDraft(f"The voice {alias}", alias), prompt, wav_bytes(CLIP))


def ask(server: ServerProcess, voice: str, text: str = "{{long 1}}", **more: Any) -> httpx.Response:
    body = {"input": text, "voice": voice, "response_format": "pcm", **more}
    return httpx.post(f"{server.url}/v1/audio/speech", json=body, trust_env=False, timeout=WAIT_S)


def sound_of(pcm: bytes) -> Samples:
    return np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)


async def heard_at_its_pitch(server: ServerProcess, voice: str) -> None:
    answer = await until(lambda: (a := ask(server, voice)).status_code == 200 and a, f"the voice {voice}")
    assert pitch_of(sound_of(answer.content), RATE) == pytest.approx(HERTZ, rel=0.005)


async def test_a_voice_kept_by_another_process_is_heard_listed_renamed_and_gone(served: ServerProcess) -> None:
    assert ask(served, "anna").status_code == 400
    voice = keep(served, "anna")
    await heard_at_its_pitch(served, "anna")
    for name in (voice.voice_id, "The voice anna"):
        assert ask(served, name).status_code == 200
    assert ask(served, "anna", model="tts-1").status_code == ask(served, "anna", model="tone").status_code == 200
    refused = ask(served, "anna", model="espeak")
    assert refused.status_code == 400 and "cloned with the model 'tone'" in refused.text
    listed = httpx.get(f"{served.url}/v1/audio/voices", trust_env=False, timeout=WAIT_S).json()["voices"]
    (mine,) = [row for row in listed if row["cloned"]]
    assert (mine["id"], mine["name"], mine["model"]) == (voice.voice_id, "The voice anna", "tone")
    store_of(served).update(voice.voice_id, name="Bea")
    await until(lambda: ask(served, "Bea").status_code == 200, "the new name")
    store_of(served).delete(voice.voice_id)
    gone = await until(lambda: (a := ask(served, "anna")).status_code == 400 and a, "its end")
    assert gone.json()["error"]["code"] == "voice_not_found"


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "..", ".lock", ".new-x", "x" * 5000, "a\x00b", "\u202e"], ids=ascii
)
def test_a_name_is_never_a_path(served: ServerProcess, name: str) -> None:
    before = sorted(map(str, served.data_dir.rglob("*")))
    assert ask(served, name).status_code == 400
    assert [p for p in sorted(map(str, served.data_dir.rglob("*"))) if "logs" not in p] == [
        p for p in before if "logs" not in p
    ]


async def test_a_voice_made_by_another_revision_is_made_anew_and_heard(served: ServerProcess) -> None:
    voice = keep(served, "old", revision="0")
    await heard_at_its_pitch(served, "old")
    found = store_of(served).find("old")
    assert found is not None and (found.voice_id, found.revision) == (voice.voice_id, "1")


async def test_a_crash_in_mid_speech_of_a_cloned_voice_loses_no_sample(served: ServerProcess) -> None:
    keep(served, "brave")
    await heard_at_its_pitch(served, "brave")
    whole = ask(served, "brave", SECONDS).content
    body = {"input": SECONDS, "voice": "brave", "response_format": "pcm"}
    heard, killed = bytearray(), False
    with (
        httpx.Client(trust_env=False, timeout=60) as client,
        client.stream("POST", f"{served.url}/v1/audio/speech", json=body) as answer,
    ):
        for piece in answer.iter_bytes():
            heard += piece
            if not killed and len(heard) > RATE:
                for process in workers(served):
                    process.send_signal(signal.SIGKILL)
                killed = True
    assert killed and bytes(heard) == whole  # a cloned tone is the same in every utterance


def test_0_15_a_cloned_voice_speaks_after_a_restart_and_what_cannot_be_read_is_logged(
    servers: ServerPool, tmp_path: Path
) -> None:
    server = servers.fresh(("tone",))
    with server:
        good, bad = keep(server, "anna"), keep(server, "bad")
    voices = server.data_dir / "voices"
    (voices / bad.voice_id / "meta.json").write_text("{")
    (voices / "4cf2bd9a-0000-4000-8000-000000000000").symlink_to(tmp_path)
    with server:
        answer = ask(server, good.voice_id)
        assert answer.status_code == 200
        assert pitch_of(sound_of(answer.content), RATE) == pytest.approx(HERTZ, rel=0.005)
        assert ask(server, "bad").status_code == 400
        assert bad.voice_id in server.log_path.read_text()
