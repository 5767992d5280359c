"""The voice store: what is kept survives, what is refused leaves nothing, a kill leaves no half voice."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import stat
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from syrinx.core.errors import InvalidRequest, Overloaded, SyrinxError, VoiceNotFound
from syrinx.models.base import ReferenceClip
from syrinx.models.prompt import decode_prompt, encode_prompt
from syrinx.voices.clip import wav_bytes
from syrinx.voices.disk import LOCK_WAIT_S, locked
from syrinx.voices.store import StoredVoice, VoiceDraft, VoiceStore
from tests.fakes.speech import tone

PROMPT = encode_prompt("tone", "1", {"frequency_hz": np.array([173.0])})
OTHER = encode_prompt("tone", "2", {"frequency_hz": np.array([99.0])})
WAV = wav_bytes(ReferenceClip(tone(seconds=0.2), 24_000))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "voices"


@pytest.fixture
def store(folder: Path) -> VoiceStore:
    return VoiceStore(folder)


def make(store: VoiceStore, name: str = "Ann", **draft: str) -> StoredVoice:
    return store.create(VoiceDraft(name, **draft), PROMPT, WAV)


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def refused(code: str, work: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        work()
    assert caught.value.code == code
    return caught.value


# --- what is kept --------------------------------------------------------------------------------------------------


def test_reading_makes_nothing_and_a_missing_folder_is_empty(store: VoiceStore, folder: Path) -> None:
    assert store.all() == [] and store.find("Ann") is None
    assert not folder.exists()


def test_0_14_meta_prompt_and_clip_are_kept_and_survive_a_restart(store: VoiceStore, folder: Path) -> None:
    voice = make(
        store, alias="ann-1", language="en-GB", description="Warm", consent="Ann, by mail", reference_text="Hi."
    )
    home = folder / voice.voice_id
    meta = json.loads((home / "meta.json").read_text())
    assert str(uuid.UUID(voice.voice_id)) == voice.voice_id
    assert meta == {
        "voice_id": voice.voice_id,
        "display_name": "Ann",
        "created_at": voice.created_at,
        "tts_model_id": "tone",
        "language_hint": "en-GB",
        "description": "Warm",
        "ref_text": "Hi.",
        "alias": "ann-1",
        "consent": "Ann, by mail",
        "revision": "1",
        "prompt_sha256": voice.prompt.digest,
        "replaces": "",
    }
    assert (home / "prompt.safetensors").read_bytes() == PROMPT
    assert voice.reference.read_bytes() == WAV == store.clip(voice.voice_id)
    assert VoiceStore(folder).all() == [voice] == store.all()


def test_only_its_user_can_read_a_voice(store: VoiceStore, folder: Path) -> None:
    before = os.umask(0)
    try:
        voice = make(store)
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE((folder / voice.voice_id).stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder / voice.voice_id).iterdir()} == {0o600}


def test_a_voice_is_found_by_id_then_alias_then_the_oldest_of_a_name(store: VoiceStore) -> None:
    first, second = make(store, "Ann"), make(store, "Ann", alias="Ann")
    assert [voice.voice_id for voice in store.all()] == [first.voice_id, second.voice_id]
    assert store.find("Ann") == second
    store.delete(second.voice_id)
    assert store.find("Ann") == first == store.find(first.voice_id)
    assert store.find("ann") is None and store.find("") is None and store.find("../" + first.voice_id) is None


def test_0_16_names_language_and_description_change(store: VoiceStore, folder: Path) -> None:
    voice = make(store, alias="a")
    changed = store.update(voice.voice_id, name=" Bea ", language="de")
    assert (changed.draft.name, changed.draft.language, changed.draft.alias) == ("Bea", "de", "a")
    assert store.update(voice.voice_id, description="x").draft.description == "x"
    assert store.update(voice.voice_id, description="").draft.description == ""
    assert VoiceStore(folder).all() == store.all() and store.find("Bea") is not None and store.find("Ann") is None
    assert refused("invalid_request", lambda: store.update(voice.voice_id, name="  ")).param == "name"
    with pytest.raises(VoiceNotFound):
        store.update("Bea", name="x")


def test_0_17_a_deleted_voice_is_gone_with_its_files(store: VoiceStore, folder: Path) -> None:
    voice = make(store)
    (folder / voice.voice_id / "sub").mkdir()
    (folder / voice.voice_id / "sub" / "extra").touch()
    store.delete(voice.voice_id)
    assert store.all() == [] and [path.name for path in folder.iterdir()] == [".lock"]
    with pytest.raises(VoiceNotFound):
        store.delete(voice.voice_id)


def test_a_voice_takes_the_place_of_the_one_with_its_alias_if_that_is_asked_for(folder: Path) -> None:
    store = VoiceStore(folder, max_voices=2)
    other, first = make(store, "other"), make(store, "one", alias="mine")
    second = store.create(VoiceDraft("two", alias="mine"), PROMPT, WAV, replace=True)
    assert store.find("mine") == second and store.find(first.voice_id) is None
    assert visible(folder) == sorted([other.voice_id, second.voice_id])
    store.delete(second.voice_id)
    third = store.create(VoiceDraft("three", alias="mine"), PROMPT, WAV, replace=True)
    assert third.replaces == "" and VoiceStore(folder).all() == [other, third]
    with pytest.raises(InvalidRequest):
        store.create(VoiceDraft("four", alias="else"), PROMPT, WAV, replace=True)


def test_a_prompt_is_replaced_with_its_revision(store: VoiceStore, folder: Path) -> None:
    voice = make(store)
    changed = store.replace_prompt(voice.voice_id, OTHER)
    assert changed.revision == "2" and changed.prompt.digest != voice.prompt.digest
    assert VoiceStore(folder).all() == [changed]
    assert Path(changed.prompt.path).read_bytes() == OTHER


# --- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("draft", "param"),
    [
        ({"name": ""}, "name"),
        ({"name": " \t "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"name": "a", "alias": "../x"}, "alias"),
        ({"name": "a", "alias": "a/b"}, "alias"),
        ({"name": "a", "alias": "x" * 65}, "alias"),
        ({"name": "a", "alias": "a b"}, "alias"),
        ({"name": "a", "alias": "a\n"}, "alias"),
        ({"name": "a", "alias": "ä"}, "alias"),
        ({"name": "a", "language": "English, please"}, "language"),
        ({"name": "a", "language": "../en"}, "language"),
        ({"name": "a", "description": "x" * 241}, "description"),
        ({"name": "a", "consent": "x" * 1001}, "consent"),
        ({"name": "a", "reference_text": "x" * 2001}, "reference_text"),
        ({"name": "a", "reference_text": "\x07"}, "reference_text"),
    ],
)
def test_a_draft_out_of_bounds_leaves_nothing(
    draft: dict[str, str], param: str, store: VoiceStore, folder: Path
) -> None:
    assert refused("invalid_request", lambda: store.create(VoiceDraft(**draft), PROMPT, WAV)).param == param
    assert not folder.exists()


@pytest.mark.parametrize("name", ["x" * 80, "Zoë 👩‍🦰", "日本語", "../../etc/passwd", "O'Neil & Co."])
def test_any_name_for_people_is_kept_as_it_is(name: str, store: VoiceStore, folder: Path) -> None:
    voice = make(store, name)
    assert VoiceStore(folder).find(name) == voice
    assert visible(folder) == [voice.voice_id]


def test_what_is_no_prompt_leaves_nothing(store: VoiceStore, folder: Path) -> None:
    for data in (b"", b"junk", PROMPT[:-1], PROMPT[:-8] + bytes(8)):
        refused("bad_prompt", lambda data=data: store.create(VoiceDraft("a"), data, WAV))
    refused("bad_audio", lambda: store.create(VoiceDraft("a"), PROMPT, bytes(50_000_000)))
    assert not folder.exists()


def test_an_alias_is_taken_once_also_by_another_process(store: VoiceStore, folder: Path) -> None:
    elsewhere = VoiceStore(folder)
    make(elsewhere, alias="one")
    assert refused("alias_taken", lambda: make(store, alias="one")).param == "alias"
    assert len(visible(folder)) == 1


def test_a_full_store_takes_no_more(folder: Path) -> None:
    store = VoiceStore(folder, max_voices=2)
    make(store)
    gone = make(store)
    refused("too_many_voices", lambda: make(store))
    store.delete(gone.voice_id)
    make(store)
    refused("too_many_voices", lambda: make(VoiceStore(folder, max_voices=1)))


def test_a_disk_that_takes_nothing_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SyrinxError, match="cannot be written"):
        make(VoiceStore(tmp_path / "file"))


# --- what else may lie there ---------------------------------------------------------------------------------------


def test_what_cannot_be_read_is_left_out_and_logged_once(
    store: VoiceStore, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good, *bad = (make(store, f"v{n}") for n in range(8))
    broken = [folder / voice.voice_id / "meta.json" for voice in bad]
    broken[0].write_text("{")
    broken[1].write_text("[" * 5000)
    broken[2].write_bytes(b"\xff\xfe")
    broken[3].unlink()
    broken[4].write_text(json.dumps({**json.loads(broken[4].read_text()), "voice_id": good.voice_id}))
    broken[5].write_text(json.dumps({**json.loads(broken[5].read_text()), "created_at": "yesterday"}))
    broken[6].write_bytes(b" " * 100_000)
    (folder / "notes.txt").touch()
    (folder / "backup").mkdir()
    (folder / str(uuid.uuid4())).touch()
    with caplog.at_level(logging.WARNING):
        fresh = VoiceStore(folder)
        assert fresh.all() == [good]
        fresh.refresh()
        make(fresh, "one more")
    assert all(sum(voice.voice_id in line for line in caplog.messages) == 1 for voice in bad)


def test_links_are_not_followed(store: VoiceStore, folder: Path, tmp_path: Path) -> None:
    voice = make(store)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "meta.json").write_bytes((folder / voice.voice_id / "meta.json").read_bytes())
    linked = str(uuid.uuid4())
    (folder / linked).symlink_to(outside)
    (folder / voice.voice_id / "reference_audio.wav").unlink()
    (folder / voice.voice_id / "reference_audio.wav").symlink_to("/etc/passwd")
    fresh = VoiceStore(folder)
    assert fresh.all() == [voice]
    with pytest.raises(VoiceNotFound):
        fresh.delete(linked)
    with pytest.raises(VoiceNotFound, match="no readable"):
        fresh.export(voice.voice_id)
    fresh.delete(voice.voice_id)
    assert Path("/etc/passwd").exists() and (outside / "meta.json").exists()
    meta = folder / str(uuid.uuid4()) / "meta.json"
    meta.parent.mkdir()
    meta.symlink_to(outside / "meta.json")
    assert VoiceStore(folder).all() == []


def test_a_named_pipe_stops_nobody(store: VoiceStore, folder: Path) -> None:
    voice = make(store)
    meta = folder / voice.voice_id / "meta.json"
    meta.unlink()
    os.mkfifo(meta)
    assert VoiceStore(folder).all() == []


def test_a_founding_sidecars_voice_is_read_as_far_as_it_goes(folder: Path) -> None:
    voice_id = str(uuid.uuid4())
    (folder / voice_id).mkdir(parents=True)
    meta = {
        "voice_id": voice_id,
        "display_name": "Old",
        "created_at": "2026-02-01T10:00:00Z",
        "tts_model_id": "Verylicious/pocket-tts-ungated",
        "language_hint": None,
        "description": None,
        "ref_text": "Hi.",
    }
    (folder / voice_id / "meta.json").write_text(json.dumps(meta))
    (voice,) = VoiceStore(folder).all()
    assert (voice.draft.name, voice.draft.reference_text, voice.revision, voice.prompt.digest) == ("Old", "Hi.", "", "")


# --- others at work ------------------------------------------------------------------------------------------------


def test_changes_of_another_process_are_seen_at_a_look(store: VoiceStore, folder: Path) -> None:
    elsewhere = VoiceStore(folder)
    voice = make(elsewhere)
    assert store.refresh() and store.find("Ann") == voice
    elsewhere.update(voice.voice_id, name="Bea")
    assert store.refresh() and store.find("Bea") is not None
    elsewhere.delete(voice.voice_id)
    assert store.refresh() and store.all() == []
    assert not store.refresh()


def test_a_look_at_what_did_not_change_reads_nothing(store: VoiceStore, folder: Path) -> None:
    voice = make(store)
    past = time.time() - 60
    os.utime(folder, (past, past))
    assert not store.refresh()
    (folder / voice.voice_id / "meta.json").write_text("{")  # unseen: the folder's time is as it was
    assert not store.refresh() and store.all() == [voice]
    os.utime(folder)
    assert store.refresh() and store.all() == []


def test_many_at_once_each_get_a_voice_of_their_own_and_one_gets_the_alias(folder: Path) -> None:
    kept: list[StoredVoice] = []
    codes: list[str] = []

    def work(number: int) -> None:
        mine = VoiceStore(folder)
        kept.append(make(mine, f"v{number}"))
        try:
            make(mine, "same", alias="same")
        except InvalidRequest as error:
            codes.append(error.code)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == ["alias_taken"] * 7
    found = VoiceStore(folder)
    assert {v.voice_id for v in kept} < {v.voice_id for v in found.all()} and len(found.all()) == 9
    assert found.find("same") is not None


def test_a_lock_is_waited_for_and_not_for_ever(tmp_path: Path) -> None:
    with locked(tmp_path / "lock"):
        with pytest.raises(Overloaded), locked(tmp_path / "lock", wait_s=0.03):
            raise AssertionError
        freed = threading.Timer(0.05, lambda: None)
        freed.start()
    with locked(tmp_path / "lock", wait_s=LOCK_WAIT_S):
        pass
    freed.join()


# --- a kill at any moment ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("work", ["create", "delete", "update", "displace", "replace"])
def test_a_kill_at_any_step_leaves_every_voice_whole_and_nothing_behind(work: str, tmp_path: Path) -> None:
    script = Path(__file__).with_name("kill_at_every_step.py")
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path), work], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    steps = json.loads(done.stdout)
    assert len(steps) >= 8
    for number, step in enumerate(steps):
        _check_survivor(tmp_path / str(number) / "voices", work, step)


def _check_survivor(folder: Path, work: str, step: str) -> None:
    store = VoiceStore(folder)
    names = sorted(voice.draft.name for voice in store.all())
    allowed = {
        "create": [["old"], ["new", "old"]],
        "delete": [["old"], []],
        "update": [["old"], ["new"]],
        "displace": [["old"], ["new"]],
        "replace": [["old"]],
    }
    assert names in allowed[work], step
    displaced = 1 if work == "displace" and names == ["new"] and len(visible(folder)) == 2 else 0
    assert len(visible(folder)) == len(store.all()) + displaced, step
    assert store.find("mine") == (store.all() or [None])[0], step
    for voice in store.all():
        prompt = Path(voice.prompt.path).read_bytes()
        new = hashlib.sha256(prompt).hexdigest() == voice.prompt.digest
        assert voice.revision == decode_prompt(prompt).revision if new else voice.revision == "1", step
        assert store.clip(voice.voice_id) == WAV, step
    make(store, "next")
    assert visible(folder) == sorted(voice.voice_id for voice in store.all()), step
    left = {path.name for path in folder.iterdir() if path.name.startswith(".")}
    assert left == {".lock"}, step
