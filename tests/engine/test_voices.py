"""The voice book over fake models and a real store: cloning, names, what other processes do, and new revisions."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from syrinx.core.errors import (
    InvalidRequest,
    ModelFailed,
    ModelNotFound,
    ModelNotReady,
    Overloaded,
    VoiceNotFound,
    WorkerLost,
)
from syrinx.engine.catalog import Catalog
from syrinx.engine.voices import MAX_RENEWALS, MAX_WAITING, VoiceBook
from syrinx.models.base import ModelInfo, ReferenceClip, VoiceInfo
from syrinx.voices.aliases import VoiceDefaults
from syrinx.voices.store import StoredVoice, VoiceDraft, VoiceStore
from syrinx.voices.transcript import Transcriber
from tests.fakes.host import INFO, FakeHost
from tests.fakes.speech import noise, recording, speech, tone

WAV = recording(tone(), 24_000)
ANN = VoiceDraft("Anna", alias="anna")


def info(name: str, *voices: str, clones: bool = True, revision: str = "1") -> ModelInfo:
    listed = tuple(VoiceInfo(voice, voice.title(), ("en",), "female") for voice in voices)
    return ModelInfo(name, name.title(), 24_000, listed, voices[0], "MIT", revision, clones=clones)


class Desk:
    """Two models, the second of which clones, and their voices."""

    def __init__(self, folder: Path, *hosts: FakeHost, **store: Any) -> None:
        self.hosts = hosts or (
            FakeHost(info=info("plain", "ann", "bob", clones=False)),
            FakeHost(info=info("able", "zoe")),
        )
        self.store = VoiceStore(folder, **store)
        self.catalog = Catalog(self.hosts, VoiceDefaults(), {}, self.store)
        self.book = VoiceBook(self.catalog, self.store)

    @property
    def able(self) -> FakeHost:
        return self.hosts[-1]

    async def clone(self, draft: VoiceDraft = ANN, model: str | None = None) -> StoredVoice:
        return await self.book.clone(WAV, draft, model)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "voices"


@pytest.fixture
def desk(folder: Path) -> Desk:
    return Desk(folder)


async def refused(code: str, work: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        await work
    assert caught.value.code == code
    return caught.value


# --- cloning -------------------------------------------------------------------------------------------------------


async def test_a_recording_becomes_a_voice_of_the_first_model_that_can_clone(desk: Desk) -> None:
    voice = await desk.clone(replace(ANN, reference_text="Hello.", language="de"))
    assert (voice.model, voice.revision, voice.draft.name) == ("able", "1", "Anna")
    (clip,) = desk.able.clips
    assert (clip.text, clip.language, clip.sample_rate) == ("Hello.", "de", 24_000)
    assert desk.book.stored() == [voice] and desk.book.find("anna") == voice


class Scribe(Transcriber):
    """Hears the same in every recording."""

    def __init__(self, hears: str) -> None:
        super().__init__()
        self.hears = hears
        self.asked = 0

    async def transcribe(self, clip: ReferenceClip) -> str:
        self.asked += 1
        return self.hears


async def test_a_model_that_wants_the_words_gets_them_where_nobody_said_them(folder: Path) -> None:
    desk = Desk(folder, FakeHost(info=replace(info("able", "zoe"), uses_transcript=True)))
    scribe = desk.book.transcriber = Scribe("A fox.")
    voice = await desk.clone()
    assert desk.able.clips[0].text == "A fox." == voice.draft.reference_text
    told = await desk.clone(replace(ANN, alias="told", reference_text="A dog."))
    assert desk.able.clips[1].text == "A dog." == told.draft.reference_text and scribe.asked == 1


async def test_a_model_that_does_not_want_the_words_is_not_kept_waiting_for_them(desk: Desk) -> None:
    scribe = desk.book.transcriber = Scribe("A fox.")
    await desk.clone()
    assert desk.able.clips[0].text == "" and scribe.asked == 0


async def test_a_quiet_recording_is_brought_to_a_usual_level_unless_it_must_not_be(desk: Desk) -> None:
    quiet = recording(speech(peak_db=-30))
    await desk.book.clone(quiet, VoiceDraft("a"))
    await desk.book.clone(quiet, VoiceDraft("b"), normalize=False)
    levels = [abs(clip.samples).max() for clip in desk.able.clips]
    assert levels[0] > 0.2 and levels[1] < 0.04


async def test_who_cannot_clone_says_who_could(desk: Desk, folder: Path) -> None:
    assert "these models can: able" in str(await refused("cannot_clone", desk.clone(model="plain")))
    alone = Desk(folder, FakeHost())
    assert re.search(r"serve one that can: .*\btone\b", str(await refused("cannot_clone", alone.clone())))
    with pytest.raises(ModelNotFound):
        await desk.clone(model="ghost")
    await refused("cannot_clone", VoiceBook(desk.catalog, None).clone(WAV, ANN))
    desk.able.info = None
    with pytest.raises(ModelNotReady, match="loading"):
        await desk.clone(model="able")
    assert not folder.exists()


async def test_whatever_is_refused_leaves_nothing(desk: Desk, folder: Path) -> None:
    await refused("bad_audio", desk.book.clone(b"junk", ANN))
    await refused("audio_noisy", desk.book.clone(recording(noise(), 24_000), ANN))
    await refused("audio_too_long", desk.book.clone(bytes(16_000_001), ANN))
    await refused("invalid_request", desk.clone(VoiceDraft(" ")))
    await refused("invalid_request", desk.clone(VoiceDraft("x", alias="../x")))
    desk.able.prepare_error = InvalidRequest("no", code="no_pitch")
    await refused("no_pitch", desk.clone())
    desk.able.prepare_error = WorkerLost("gone")
    with pytest.raises(ModelFailed):
        await desk.clone()
    assert desk.book.stored() == [] and not folder.exists()


async def test_an_alias_that_would_never_be_reached_is_refused_before_any_work(desk: Desk) -> None:
    await desk.clone()
    for alias in ("anna", "ann", "zoe", "default"):
        await refused("alias_taken", desk.clone(VoiceDraft("x", alias=alias)))
    assert len(desk.able.clips) == 1


async def test_a_voice_takes_the_place_of_its_alias_only_when_it_is_made(desk: Desk) -> None:
    first = await desk.clone()
    await refused("bad_audio", desk.book.clone(b"junk", ANN, replace=True))
    assert desk.book.stored() == [first]
    second = await desk.book.clone(WAV, ANN, replace=True)
    assert desk.book.stored() == [second] and desk.catalog.resolve(None, "anna").voice == second.voice_id
    with pytest.raises(VoiceNotFound):
        desk.catalog.resolve(None, first.voice_id)


async def test_one_voice_a_model_is_cloned_at_a_time_and_the_line_is_bounded(desk: Desk) -> None:
    desk.able.preparing.clear()
    asked = [asyncio.create_task(desk.clone(VoiceDraft(f"v{n}"))) for n in range(1 + MAX_WAITING)]
    async with asyncio.timeout(10):
        while not desk.able.clips:
            await asyncio.sleep(0.005)
    with pytest.raises(Overloaded):
        await desk.clone(VoiceDraft("one too many"))
    assert len(desk.able.clips) == 1
    asked[0].cancel()
    asked[1].cancel()
    desk.able.preparing.set()
    await asyncio.gather(*asked, return_exceptions=True)
    assert len(desk.book.stored()) == MAX_WAITING - 1


async def test_voices_change_and_go(desk: Desk) -> None:
    voice = await desk.clone()
    assert (await desk.book.update(voice.voice_id, name="Bea")).draft.name == "Bea"
    archive = await desk.book.export(voice.voice_id)
    await refused("alias_taken", desk.book.take_in(archive))
    await desk.book.delete(voice.voice_id)
    copy = await desk.book.take_in(archive)
    assert copy.voice_id != voice.voice_id and copy.draft.name == "Bea"
    assert desk.catalog.resolve(None, "anna").voice == copy.voice_id
    with pytest.raises(VoiceNotFound):
        await desk.book.delete(voice.voice_id)


# --- names ---------------------------------------------------------------------------------------------------------


async def test_a_cloned_voice_resolves_by_id_alias_and_name_on_its_own_model(desk: Desk) -> None:
    voice = await desk.clone(replace(ANN, language="de-AT"))
    for name in (voice.voice_id, "anna", "Anna"):
        for model in (None, "", "auto", "tts-1", "able"):
            choice = desk.catalog.resolve(model, name)
            assert (choice.model, choice.voice, choice.language) == ("able", voice.voice_id, "de-AT")
            assert choice.prompt == voice.prompt
    with pytest.raises(VoiceNotFound, match="cloned with the model 'able' and speaks on that only"):
        desk.catalog.resolve("plain", "anna")


async def test_own_ids_win_over_clones_and_clones_over_names_for_any_model(desk: Desk) -> None:
    await desk.clone(VoiceDraft("ann"))
    await desk.clone(VoiceDraft("zoe"))
    alloy = await desk.clone(VoiceDraft("alloy"))
    await desk.clone(VoiceDraft("default"))
    assert desk.catalog.resolve(None, "ann").prompt is None
    assert desk.catalog.resolve(None, "zoe").prompt is None
    assert desk.catalog.resolve("able", "zoe").prompt is None
    assert desk.catalog.resolve(None, "default").voice == desk.catalog.resolve(None, None).voice == "ann"
    assert desk.catalog.resolve(None, "alloy").voice == alloy.voice_id
    assert desk.catalog.resolve("plain", "alloy").prompt is None


async def test_new_and_deleted_voices_are_known_at_once(desk: Desk) -> None:
    assert desk.catalog.resolve(None, "nova").prompt is None  # remembered from here on, as a name for any model
    voice = await desk.clone(VoiceDraft("x", alias="nova"))
    assert desk.catalog.resolve(None, "nova").prompt == voice.prompt
    await desk.book.delete(voice.voice_id)
    assert desk.catalog.resolve(None, "nova").prompt is None
    with pytest.raises(VoiceNotFound):
        desk.catalog.resolve(None, voice.voice_id)


async def test_a_voice_of_a_model_that_is_not_served_names_it(desk: Desk, folder: Path) -> None:
    voice = await desk.clone()
    other = Desk(folder, FakeHost())
    with pytest.raises(VoiceNotFound, match="cloned with the model 'able', which is not served"):
        other.catalog.resolve(None, voice.voice_id)
    assert other.book.stored() == [voice]
    assert all(listed.stored is None for listed in other.book.listed())


async def test_lists_have_the_default_model_first_and_clones_after_a_models_own(desk: Desk) -> None:
    await desk.clone(replace(ANN, description="Warm"))
    listed = desk.book.listed()
    assert [(v.model, v.info.name, v.is_default) for v in listed] == [
        ("plain", "Ann", True),
        ("plain", "Bob", False),
        ("able", "Zoe", False),
        ("able", "Anna", False),
    ]
    assert (listed[-1].info.languages, listed[-1].info.description) == (("en",), "Warm")
    assert [v.info.name for v in desk.book.listed("able")] == ["Zoe", "Anna"]
    assert desk.book.listed("tts-1") == listed
    with pytest.raises(ModelNotFound):
        desk.book.listed("ghost")
    desk.able.info = None
    assert [v.model for v in desk.book.listed()] == ["plain", "plain"]


# --- keeping up ----------------------------------------------------------------------------------------------------


async def test_what_another_process_does_is_seen_at_a_look(desk: Desk, folder: Path) -> None:
    elsewhere = Desk(folder)
    voice = await elsewhere.clone()
    assert desk.book.find("anna") is None
    await desk.book.look()
    assert desk.catalog.resolve(None, "anna").voice == voice.voice_id
    await elsewhere.book.delete(voice.voice_id)
    await desk.book.look()
    assert desk.book.find("anna") is None


async def test_a_voice_made_by_another_revision_is_made_anew_of_its_clip(desk: Desk, folder: Path) -> None:
    old = await desk.clone()
    newer = FakeHost(info=info("able", "zoe", revision="2"))
    later = Desk(folder, newer)
    with pytest.raises(ModelNotReady, match="being made anew"):
        later.catalog.resolve(None, "anna")
    newer.prepare_error = ModelNotReady("restarting")
    await later.book.look()
    with pytest.raises(ModelNotReady):
        later.catalog.resolve(None, "anna")
    newer.prepare_error = None
    await later.book.look()
    choice = later.catalog.resolve(None, "anna")
    assert choice.voice == old.voice_id and choice.prompt is not None and choice.prompt.digest != old.prompt.digest
    assert abs(newer.clips[-1].samples - desk.able.clips[0].samples).max() < 1e-4
    await later.book.look()
    assert len(newer.clips) == 2


async def test_what_cannot_be_made_anew_is_tried_once_and_says_why(desk: Desk, folder: Path) -> None:
    await desk.clone()
    newer = FakeHost(info=info("able", "zoe", revision="2"))
    newer.prepare_error = InvalidRequest("no pitch", code="no_pitch")
    later = Desk(folder, newer)
    await later.book.look()
    await later.book.look()
    assert len(newer.clips) == 1
    with pytest.raises(VoiceNotFound, match="could not be made anew for this version of the model: no pitch"):
        later.catalog.resolve(None, "anna")


async def test_a_model_that_dies_of_something_else_does_not_cost_a_voice(desk: Desk, folder: Path) -> None:
    await desk.clone()
    newer = FakeHost(info=info("able", "zoe", revision="2"))
    newer.prepare_error = WorkerLost("killed for another's job")
    later = Desk(folder, newer)
    await later.book.look()
    newer.prepare_error = None
    await later.book.look()
    assert later.catalog.resolve(None, "anna").prompt is not None


async def test_a_voice_that_a_model_dies_of_each_time_is_given_up(desk: Desk, folder: Path) -> None:
    await desk.clone()
    newer = FakeHost(info=info("able", "zoe", revision="2"))
    newer.prepare_error = WorkerLost("killed by this one")
    later = Desk(folder, newer)
    for _ in range(MAX_RENEWALS + 2):
        await later.book.look()
    assert len(newer.clips) == MAX_RENEWALS
    with pytest.raises(VoiceNotFound, match="killed by this one"):
        later.catalog.resolve(None, "anna")


async def test_a_model_that_is_replaced_while_it_makes_a_voice_anew_stays_and_its_failure_is_its_own(
    desk: Desk, folder: Path
) -> None:
    await desk.clone()
    middle, newest = (FakeHost(info=info("able", "zoe", revision=revision)) for revision in ("2", "3"))
    later = Desk(folder, middle)
    middle.preparing.clear()
    looking = asyncio.create_task(later.book.look())
    async with asyncio.timeout(10):
        while not middle.clips:
            await asyncio.sleep(0.005)
    later.catalog.lead(newest, "as asked")
    leaving = asyncio.create_task(later.catalog.leases.unused(middle))
    await asyncio.sleep(0)
    assert not leaving.done()
    middle.prepare_error = InvalidRequest("no pitch", code="no_pitch")
    middle.preparing.set()
    await looking
    await leaving
    await later.book.look()
    assert later.catalog.resolve(None, "anna").prompt is not None


async def test_the_prompts_that_there_are_are_told_whenever_they_change(desk: Desk) -> None:
    told: list[frozenset[str]] = []
    desk.book.on_prompts = told.append
    await desk.book.look()
    stored = await desk.book.clone(WAV, ANN)
    await desk.book.look()
    await desk.book.look()
    await desk.book.delete(stored.voice_id)
    assert told == [frozenset(), {stored.prompt.digest}, frozenset()]


async def test_the_watch_looks_until_it_is_stopped(desk: Desk, folder: Path) -> None:
    await Desk(folder).clone()
    desk.book.start()
    desk.book.start()
    async with asyncio.timeout(10):
        while desk.book.find("anna") is None:
            await asyncio.sleep(0.005)
    await desk.book.stop()
    await desk.book.stop()
    assert len(asyncio.all_tasks()) == 1


async def test_without_a_store_there_are_the_models_own_voices() -> None:
    catalog = Catalog([FakeHost()], VoiceDefaults(), {})
    book = VoiceBook(catalog, None)
    book.start()
    await book.stop()
    assert [v.info.id for v in book.listed()] == [voice.id for voice in INFO.voices]
    assert book.stored() == [] and book.find("x") is None
    await refused("cannot_clone", book.delete("x"))
