"""Sessions keep their promises however clients, the model and the reading of events interleave."""

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syrinx.audio.framing import Framing
from syrinx.core.clock import FakeClock
from syrinx.core.errors import ModelFailed, SyrinxError
from syrinx.core.types import (
    Accepted,
    Append,
    Audio,
    AudioFormat,
    Barge,
    Cancel,
    ClientEvent,
    Delivery,
    End,
    Failed,
    Finished,
    Flush,
    Interrupted,
    Open,
    ServerEvent,
    SpeechRequest,
    Started,
)
from syrinx.engine.admission import AdmissionPolicy
from syrinx.engine.engine import Engine
from syrinx.engine.policy import EnginePolicy, FirstPiece, SessionOptions
from syrinx.engine.record import UtteranceRecord
from syrinx.engine.session import Session
from syrinx.text.words import heard_end
from tests.fakes.host import FakeHost

NAMES = ("a", "b", "c")
TEXTS = ("", " ", "Hi. ", "One two three. Four five", ", six. Seven eight nine. Ten", "😀", "no end")
REQUESTS = (
    SpeechRequest(),
    SpeechRequest(delivery=Delivery(speed=1.5)),
    SpeechRequest(audio=AudioFormat("mp3")),
    SpeechRequest(voice="nobody"),
)

name = st.sampled_from(NAMES)
step = st.one_of(
    st.tuples(st.just("open"), name, st.sampled_from(REQUESTS)),
    st.tuples(st.just("append"), name, st.sampled_from(TEXTS)),
    st.tuples(st.just("append"), name, st.sampled_from(TEXTS)),
    st.tuples(st.just("flush"), name, st.none()),
    st.tuples(st.just("end"), name, st.none()),
    st.tuples(st.just("cancel"), name, st.sampled_from((None, 0.0, 0.3, 99.0))),
    st.tuples(st.just("barge"), st.sampled_from((*NAMES, "nobody")), st.sampled_from((None, 0.0, 0.3, 99.0))),
    st.tuples(st.just("model"), st.integers(0, 5), st.sampled_from(("give", "end", "fail", "speak"))),
    st.tuples(st.just("model"), st.integers(0, 5), st.just("speak")),
    st.tuples(st.just("turns"), st.integers(1, 6), st.none()),
    st.tuples(st.just("read"), st.integers(1, 9), st.none()),
)
ending = st.sampled_from(("drain", "close", "stop"))


@dataclass
class World:
    """One session, all that it was told and all that it said."""

    ordered: bool
    records: list[UtteranceRecord] = field(default_factory=list)
    opened: Counter[str] = field(default_factory=Counter)
    texts: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """What each utterance of a name was given to say."""
    said: dict[str, list[ServerEvent]] = field(default_factory=lambda: defaultdict(list))
    speaking: str | None = None
    """Whose audio began and has not ended."""

    def __post_init__(self) -> None:
        self.host = FakeHost(auto=False)
        self.clock = FakeClock(9.0)
        policy = EnginePolicy(
            admission=AdmissionPolicy(max_running=2, max_queued=1, wait_sla_s=1e9),
            first_piece=FirstPiece(max_words=0),
            text_timeout_s=0.5,
            unsent_audio_s=2.0,
            stop_timeout_s=5.0,
        )
        self.engine = Engine([self.host], policy, clock=self.clock, observer=self)
        options = SessionOptions("test", ordered=self.ordered, framing=Framing(), max_latency_s=0.0, max_pending=3)
        self.session: Session = self.engine.session(options)
        self.reports: list[BaseException] = []

    def utterance_ended(self, record: UtteranceRecord) -> None:
        self.records.append(record)

    async def act(self, what: str, who: object, how: object) -> None:
        self.clock.advance(0.01)
        if what == "turns":
            assert isinstance(who, int)
            for _ in range(who):
                await asyncio.sleep(0)
        elif what == "read":
            assert isinstance(who, int)
            await self.read(who)
        elif what == "model":
            assert isinstance(who, int)
            self.model(who, str(how))
        else:
            self.client(what, str(who), how)

    def client(self, what: str, utterance_id: str, how: object) -> None:
        event: ClientEvent
        match what:
            case "open":
                assert isinstance(how, SpeechRequest)
                event = Open(utterance_id, how)
            case "append":
                event = Append(utterance_id, str(how))
            case "flush":
                event = Flush(utterance_id)
            case "end":
                event = End(utterance_id)
            case "cancel":
                assert how is None or isinstance(how, float)
                event = Cancel(utterance_id, how)
            case _:
                assert how is None or isinstance(how, float)
                event = Barge(utterance_id, how)
        try:
            self.session.send(event)
        except SyrinxError:
            return
        if isinstance(event, Open):
            self.opened[utterance_id] += 1
            self.texts[utterance_id].append("")
        elif isinstance(event, Append):
            self.texts[utterance_id][-1] += event.text

    def model(self, which: int, how: str) -> None:
        live = [stream for stream in self.host.streams if not stream.over]
        if not live:
            return
        stream = live[which % len(live)]
        match how:
            case "give":
                stream.give(0.7)
            case "end":
                stream.end()
            case "fail":
                stream.end(ModelFailed("it broke"))
            case _:
                stream.speak()

    async def read(self, count: int) -> bool:
        """Take up to ``count`` events that are there soon; True if it was the end."""
        for _ in range(count):
            task = asyncio.create_task(self.session.next())
            await asyncio.wait([task], timeout=0.002)
            if not task.done():
                task.cancel()
                await asyncio.wait([task])
            if task.cancelled():
                return False
            event = task.result()
            if event is None:
                return True
            self.note(event)
        return False

    def note(self, event: ServerEvent) -> None:
        self.said[event.utterance_id].append(event)
        if self.ordered and isinstance(event, Audio):
            self.sounding(event.utterance_id)
        if isinstance(event, Finished | Failed) and self.speaking == event.utterance_id:
            self.speaking = None

    def sounding(self, utterance_id: str) -> None:
        """On an ordered session one utterance's audio comes whole before another's."""
        assert self.speaking in (None, utterance_id)
        self.speaking = utterance_id

    async def run_dry(self) -> None:
        """Let the model speak all, and take every event until the session ends."""
        async with asyncio.timeout(10):
            while not await self.read(50):
                self.model(0, "speak")


def lives(events: list[ServerEvent]) -> list[list[ServerEvent]]:
    """The events of an id, an utterance's each."""
    split: list[list[ServerEvent]] = []
    for event in events:
        if isinstance(event, Accepted):
            split.append([])
        assert split, "nothing comes before Accepted"
        split[-1].append(event)
    return split


def check_told(told: Finished | Interrupted, text: str) -> None:
    """What was heard and what remains make the text that was sent, and meet at the end of a word."""
    assert told.heard + told.remaining == told.text == text
    assert heard_end(text, told.spoken_until) == told.spoken_until


def check_life(events: list[ServerEvent], text: str, *, whole: bool) -> None:
    late = [event for event in events if isinstance(event, Interrupted)]
    for event in [*late, *(event for event in events if isinstance(event, Finished))]:
        check_told(event, text)
    assert events[len(events) - len(late) :] == late, "only what has ended is interrupted"
    events = events[: len(events) - len(late)]
    ends = [event for event in events if isinstance(event, Finished | Failed)]
    assert len(ends) == 1 if whole else len(ends) <= 1
    assert len(late) <= 1
    assert not ends or events[-1] is ends[0], "something came after the end"
    kinds = [type(event) for event in events]
    if Audio in kinds:
        assert Started in kinds[: kinds.index(Audio)]
    for end in ends:
        assert end.samples == sum(event.audio.samples for event in events if isinstance(event, Audio))


async def play(ordered: bool, script: list[tuple[str, object, object]], how_it_ends: str) -> None:
    world = World(ordered)
    started_with = asyncio.all_tasks()
    for what, who, how in script:
        await world.act(what, who, how)
    if how_it_ends == "drain":
        world.session.drain()
        await world.run_dry()
    elif how_it_ends == "close":
        world.session.close()
        assert await world.session.next() is None
    await world.engine.stop()
    world.session.close()

    for who, events in world.said.items():
        split = lives(events)
        for life, text in zip(split, world.texts[who], strict=False):
            check_life(life, text, whole=how_it_ends == "drain" or life is not split[-1])
    if how_it_ends == "drain":
        assert {who: len(lives(events)) for who, events in world.said.items()} == dict(world.opened)
    assert Counter(record.utterance_id for record in world.records) == world.opened
    assert (world.engine.gate("fake").running, world.engine.gate("fake").queued) == (0, 0)
    assert all(stream.over for stream in world.host.streams)
    assert asyncio.all_tasks() == started_with


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.booleans(), st.lists(step, max_size=40), ending)
def test_whatever_happens_each_utterance_ends_once_and_nothing_is_left(
    ordered: bool, script: list[tuple[str, object, object]], how_it_ends: str
) -> None:
    asyncio.run(play(ordered, script, how_it_ends))
