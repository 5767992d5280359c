"""Another model takes the default's place: beside the old one, at once, undone by no failure, seen by everybody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from syrinx.core.clock import FakeClock
from syrinx.core.errors import ConfigError, ModelNotFound, ModelNotReady
from syrinx.core.types import Cancel, End, Finished, FinishReason, Started
from syrinx.engine.engine import Engine
from syrinx.engine.fleet import MAX_LEAVING, ModelSource
from syrinx.engine.policy import EnginePolicy, FirstPiece, SessionOptions, WarmUpPolicy
from syrinx.engine.session import Session
from syrinx.workers.host import HostState, HostStatus
from tests.fakes.host import INFO, FakeHost
from tests.fakes.stage import events_until_end, send_all, settle, whole


def host_of(name: str, *, auto: bool = True) -> FakeHost:
    return FakeHost(auto=auto, info=replace(INFO, name=name))


class Garage:
    """An engine that begins with the models ``a`` and ``b`` and can get any other."""

    def __init__(self, *, auto: bool = True, load_timeout_s: float = 60.0, **policy: Any) -> None:
        self.made: list[tuple[str, Mapping[str, Any], FakeHost]] = []
        self.prepared: list[FakeHost] = []
        """Given out first, so that a test can hold or break one before it loads."""
        self._auto = auto
        self.a, self.b = host_of("a", auto=auto), host_of("b")
        source = ModelSource(self.make, {"c": {"size": 1}}, {"a": "first", "b": "second"}, load_timeout_s)
        whole_pieces = EnginePolicy(first_piece=FirstPiece(max_words=0), **policy)
        self.engine = Engine([self.a, self.b], whole_pieces, clock=FakeClock(), source=source)

    def make(self, name: str, options: Mapping[str, Any]) -> FakeHost:
        if name == "ghost":
            raise ModelNotFound("There is no model 'ghost'.", param="model")
        if "wrong" in options:
            raise ConfigError("There is no option 'wrong'.")
        host = self.prepared.pop(0) if self.prepared else host_of(name, auto=self._auto)
        self.made.append((name, options, host))
        return host

    def held(self, name: str) -> FakeHost:
        """The next model made; it loads until its ``may_load`` is set."""
        host = host_of(name)
        host.may_load.clear()
        host.status = HostStatus(HostState.STARTING)
        self.prepared.append(host)
        return host

    def session(self, **options: Any) -> Session:
        return self.engine.session(SessionOptions("test", **options))

    async def switch(self, name: str, options: Mapping[str, Any] | None = None, **more: Any) -> None:
        """Without a warm-up, whose job would stand among the others."""
        await self.engine.switch(name, options, warm_up=False, **more)

    @property
    def served(self) -> list[tuple[str, bool, str]]:
        return [(model.name, model.is_default, model.reason) for model in self.engine.models()]

    async def speaker(self) -> str:
        """Which model a new utterance gets."""
        session = self.session()
        try:
            send_all(session, *whole("u"))
            return next(e.model for e in await events_until_end(session) if isinstance(e, Started))
        finally:
            session.close()


@pytest.fixture
async def garage() -> AsyncIterator[Garage]:
    garage = Garage()
    yield garage
    await garage.engine.stop()


@pytest.fixture
async def manual() -> AsyncIterator[Garage]:
    garage = Garage(auto=False)
    yield garage
    await garage.engine.stop()


async def test_a_switch_loads_another_model_and_new_utterances_get_it(garage: Garage) -> None:
    assert await garage.speaker() == "a"
    await garage.switch("c", reason="wanted")
    assert await garage.speaker() == "c"
    assert garage.served == [("c", True, "wanted"), ("a", False, "first"), ("b", False, "second")]
    assert [(name, options) for name, options, _ in garage.made] == [("c", {"size": 1})]  # the settings' options
    assert garage.engine.gate("c").running == 0
    assert garage.engine.ready


async def test_while_it_loads_the_old_one_speaks_and_is_the_default(garage: Garage) -> None:
    new = garage.held("c")
    switching = asyncio.create_task(garage.switch("c"))
    await settle()
    assert await garage.speaker() == "a"
    assert garage.served[0] == ("a", True, "first")
    assert garage.engine.ready
    new.may_load.set()
    await switching
    assert await garage.speaker() == "c"


async def test_a_model_that_cannot_be_loaded_changes_nothing_and_its_host_is_stopped(garage: Garage) -> None:
    new = garage.held("c")
    new.start_error = ModelNotReady("The model c cannot be loaded: no weights.")
    new.may_load.set()
    before = garage.served
    with pytest.raises(ModelNotReady, match="no weights"):
        await garage.switch("c")
    assert (garage.served, await garage.speaker(), new.stops) == (before, "a", 1)
    await garage.switch("c")  # the next attempt is a new one
    assert await garage.speaker() == "c"


@pytest.mark.parametrize(
    ("name", "options", "error"), [("ghost", None, ModelNotFound), ("c", {"wrong": 1}, ConfigError)]
)
async def test_what_does_not_exist_is_refused_before_anything_is_loaded(
    garage: Garage, name: str, options: dict[str, Any] | None, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await garage.switch(name, options)
    assert await garage.speaker() == "a"
    await garage.switch("c")


async def test_a_model_that_loads_for_ever_is_given_up_and_stopped() -> None:
    garage = Garage(load_timeout_s=0.01)
    new = garage.held("c")
    with pytest.raises(ModelNotReady, match="not loaded within"):
        await garage.switch("c")
    assert (await garage.speaker(), new.stops) == ("a", 1)
    await garage.engine.stop()


async def test_a_second_switch_is_refused_while_one_loads(garage: Garage) -> None:
    new = garage.held("c")
    switching = asyncio.create_task(garage.switch("c"))
    await settle()
    with pytest.raises(ModelNotReady, match="c is being loaded"):
        await garage.switch("b")
    new.may_load.set()
    await switching
    await garage.switch("b")
    assert await garage.speaker() == "b"


async def test_the_same_model_with_the_same_options_is_loaded_anew_only_by_force(garage: Garage) -> None:
    await garage.switch("a")
    await garage.switch("b")
    await garage.switch("b")
    assert garage.made == []
    await garage.switch("b", {"size": 2})
    await garage.switch("b", {"size": 2})
    assert len(garage.made) == 1
    await garage.switch("b", {"size": 2}, force=True)
    await garage.switch("b")  # the settings' options again
    assert [options for _, options, _ in garage.made] == [{"size": 2}, {"size": 2}, {}]
    assert [name for name, _, _ in garage.served] == ["b", "a"]
    await settle()
    assert (garage.b.stops, [host.stops for _, _, host in garage.made]) == (1, [1, 1, 0])


async def test_a_default_that_has_failed_is_loaded_anew(garage: Garage) -> None:
    garage.a.status = HostStatus(HostState.FAILED, "crashed too often")
    await garage.switch("a")
    assert [name for name, _, _ in garage.made] == ["a"]
    assert await garage.speaker() == "a"


async def test_a_served_model_that_still_loads_does_not_become_the_default_yet(garage: Garage) -> None:
    garage.b.status = HostStatus(HostState.STARTING)
    with pytest.raises(ModelNotReady, match="b is still loading"):
        await garage.switch("b")
    assert await garage.speaker() == "a"


async def test_models_of_the_settings_stay_and_others_go_when_they_are_replaced(garage: Garage) -> None:
    await garage.switch("c")
    await garage.switch("d")
    await settle()
    assert [name for name, _, _ in garage.served] == ["d", "a", "b"]
    assert [host.stops for _, _, host in garage.made] == [1, 0]
    assert (garage.a.stops, garage.b.stops) == (0, 0)
    with pytest.raises(ModelNotFound):
        garage.engine.resolve("c", None)


async def test_who_speaks_with_the_old_model_does_so_to_the_end_and_then_it_stops(manual: Garage) -> None:
    await manual.switch("c")
    old = manual.made[0][2]
    session = manual.session()
    send_all(session, *whole("u", "One two three."))
    await settle()
    await manual.switch("d")
    await settle()
    assert (old.stops, [name for name, _, _ in manual.served]) == (0, ["d", "a", "b"])
    old.streams[0].speak()
    events = await events_until_end(session)
    assert isinstance(events[-1], Finished)
    assert events[-1].audio_s > 0.1
    await settle()
    assert old.stops == 1
    session.close()


async def test_an_utterance_that_still_waits_for_its_text_keeps_its_model(manual: Garage) -> None:
    await manual.switch("c")
    old = manual.made[0][2]
    session = manual.session()
    send_all(session, *whole("u", "One.")[:1])
    await settle()
    await manual.switch("d")
    await settle()
    assert old.stops == 0
    send_all(session, *whole("u", "One two three.")[1:])
    await settle()
    old.streams[0].speak()
    assert [e.model for e in await events_until_end(session) if isinstance(e, Started)] == ["c"]
    await settle()
    assert old.stops == 1
    session.close()


async def test_a_cancel_is_answered_at_once_while_a_model_loads_and_frees_the_old_one(manual: Garage) -> None:
    await manual.switch("c")
    old = manual.made[0][2]
    session = manual.session()
    send_all(session, *whole("u"))
    await settle()
    new = manual.held("d")
    switching = asyncio.create_task(manual.switch("d"))
    await settle()
    session.send(Cancel("u"))
    assert (await events_until_end(session))[-1].reason is FinishReason.CANCELED  # type: ignore[union-attr]
    assert not switching.done()
    new.may_load.set()
    await switching
    await settle()
    assert old.stops == 1
    session.close()


async def test_a_caller_that_gives_up_calls_the_switch_off(garage: Garage) -> None:
    new = garage.held("c")
    switching = asyncio.create_task(garage.switch("c"))
    await settle()
    switching.cancel()
    await settle()
    assert (switching.cancelled(), new.stops, await garage.speaker()) == (True, 1, "a")
    await garage.switch("b")  # nothing is left of it that would refuse another


async def test_stopping_the_engine_stops_what_loads_and_what_is_about_to_end(manual: Garage) -> None:
    await manual.switch("c")
    session = manual.session()
    send_all(session, *whole("u"))
    await settle()
    await manual.switch("d")  # c has an utterance yet
    new = manual.held("e")
    switching = asyncio.create_task(manual.switch("e"))
    await settle()
    await manual.engine.stop()
    with pytest.raises(ModelNotReady):
        await switching
    hosts = [manual.a, manual.b, *(host for _, _, host in manual.made)]
    assert [host.name for host in hosts] == ["a", "b", "c", "d", "e"]
    assert all(host.status.state is HostState.STOPPED for host in hosts)
    assert new.stops > 0
    assert len(asyncio.all_tasks()) == 1
    with pytest.raises(ModelNotReady, match="shutting down"):
        await manual.switch("b")


async def test_no_more_than_a_few_replaced_models_may_still_be_speaking(manual: Garage) -> None:
    session = manual.session(ordered=False)
    for round_ in range(MAX_LEAVING + 1):
        await manual.switch("c", {"size": round_})
        send_all(session, *whole(f"u{round_}"))
        await settle()
    with pytest.raises(ModelNotReady, match="still speaking"):
        await manual.switch("c", {"size": 99})
    session.send(Cancel("u0"))
    await settle()
    await manual.switch("c", {"size": 99})
    session.close()


async def test_a_new_default_is_warmed_up_and_one_that_was_is_not_again() -> None:
    garage = Garage(warmup=WarmUpPolicy())
    engine = garage.engine
    await engine.switch("c", reason="activated")
    await engine.warmup.trigger(wait=True)
    state = engine.warmup.state
    assert (state.status, state.runs, state.last_reason) == ("ready", 1, "activated")
    assert [stream.job.text for stream in garage.made[0][2].streams] == ["Engine warmup sentence."]
    await engine.switch("c")
    assert engine.warmup.state.runs == 1
    await engine.switch("d", warm_up=False)
    assert (engine.warmup.state.status, engine.warmup.state.runs) == ("not_started", 1)
    await engine.stop()


async def test_an_engine_without_a_source_says_that_there_is_nothing_to_switch_to() -> None:
    engine = Engine([host_of("a")], EnginePolicy())
    with pytest.raises(ModelNotFound, match="'c'"):
        await engine.switch("c")
    session = engine.session(SessionOptions("test"))
    send_all(session, *whole("u"), End("u"))
    assert isinstance((await events_until_end(session))[-1], Finished)
    await engine.stop()
